# Coarse on purpose, as all clocks here are.
monotonic = perf_counter = process_time = time


def monotonic_ns():
    return time_ns()


perf_counter_ns = process_time_ns = monotonic_ns
timezone = 0
tzname = ('UTC', 'UTC')
