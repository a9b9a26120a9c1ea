import { ref } from 'vue'
import { keep, kept } from './storage'

export type Lang = 'zh-CN' | 'en'
export type Messages = Record<string, string>
export type Translate<M extends Messages = Messages> = (
  key: keyof M & string,
  values?: Record<string, string | number>,
) => string

const KEY = 'lang'

function chosen(): Lang {
  const wish = new URLSearchParams(location.search).get('lang') ?? kept(KEY)
  return wish?.toLowerCase().startsWith('en') ? 'en' : 'zh-CN'
}

export const lang = ref<Lang>(chosen())
document.documentElement.lang = lang.value

export function switchLang(): void {
  lang.value = lang.value === 'en' ? 'zh-CN' : 'en'
  keep(KEY, lang.value)
  document.documentElement.lang = lang.value
}

/** The texts of one folder's message files, with {name} places filled in. */
export function translator<M extends Messages>(zh: M, en: { [Key in keyof M]: string }): Translate<M> {
  return (key, values = {}) => {
    const text = (lang.value === 'en' ? en : zh)[key] ?? key
    return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
  }
}

export function count(value: number): string {
  return value.toLocaleString(lang.value)
}

/** A moment in the campaign's timezone, with the zone said. */
export function moment(ms: number, timezone: string): string {
  const parts = new Intl.DateTimeFormat(lang.value, {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).formatToParts(ms)
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((one) => one.type === type)?.value ?? ''
  const day = `${part('year')}-${part('month')}-${part('day')}`
  return `${day} ${part('hour')}:${part('minute')} (${part('timeZoneName')})`
}

/** A length of time as 1:02:03 or 02:03; never negative. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const two = (part: number): string => String(part).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  return `${hours ? `${hours}:` : ''}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}
