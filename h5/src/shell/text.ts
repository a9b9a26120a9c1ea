import { translator } from './locale'
import { en } from './messages/en'
import { zh } from './messages/zh-CN'

/** The shell's own texts. */
export const t = translator(zh, en)

/** A refusal in the member's words; a game passes its own texts for its own codes. */
export function refusalText(code: string, own?: (key: string) => string): string {
  const key = `refused.${code}`
  if (key in zh) return t(key as keyof typeof zh)
  const text = own?.(key)
  return text && text !== key ? text : t('refused.unknown')
}
