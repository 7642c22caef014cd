import { addBusinessDays, differenceInCalendarDays, eachDayOfInterval, format, formatDistance, formatISO, intervalToDuration, isValid, parse, parseISO, startOfWeek } from 'date-fns'
import { de, ja } from 'date-fns/locale'

export const handler = async ({ iso }) => {
  const date = parseISO(iso)
  if (!isValid(date)) return { invalid: true }
  return {
    text: format(date, "EEEE, do MMMM yyyy 'at' HH:mm:ss.SSS"),
    german: format(date, 'PPPP', { locale: de }),
    japanese: formatDistance(date, new Date(0), { locale: ja }),
    week: formatISO(startOfWeek(date, { weekStartsOn: 1 })),
    business: formatISO(addBusinessDays(date, 5), { representation: 'date' }),
    days: differenceInCalendarDays(date, new Date(0)),
    each: eachDayOfInterval({ start: date, end: addBusinessDays(date, 3) }).length,
    parsed: parse('02/11/2014', 'MM/dd/yyyy', new Date(0)).toISOString(),
    duration: intervalToDuration({ start: new Date(0), end: date })
  }
}
export const events = [{ iso: '2024-02-29T12:34:56.789Z' }, { iso: '1999-12-31' }, { iso: 'nope' }]
