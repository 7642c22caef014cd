import { catchError, concatMap, delay, from, interval, lastValueFrom, map, mergeMap, of, reduce, scan, Subject, take, throwError, timeout, toArray, zip } from 'rxjs'

export const handler = async ({ list, fail }) => {
  if (fail) return await lastValueFrom(throwError(() => new Error('planted')).pipe(catchError((error) => of({ caught: error.message }))))
  const subject = new Subject()
  const seen = []
  subject.pipe(scan((sum, n) => sum + n, 0)).subscribe((sum) => seen.push(sum))
  for (const n of list) subject.next(n)
  return {
    seen,
    doubled: await lastValueFrom(from(list).pipe(concatMap((n) => of(n * 2).pipe(delay(1))), toArray())),
    total: await lastValueFrom(from(list).pipe(mergeMap(async (n) => n + 1), reduce((a, b) => a + b, 0))),
    ticks: await lastValueFrom(zip(interval(1), from(['a', 'b'])).pipe(map(([n, text]) => text + n), take(2), toArray())),
    late: await lastValueFrom(of(1).pipe(delay(50), timeout(5), catchError((error) => of(error.name))))
  }
}
export const events = [{ list: [1, 2, 3] }, { list: [] }, { fail: true }]
