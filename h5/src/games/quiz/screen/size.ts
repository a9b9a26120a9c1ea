import type { Asked } from '../events'

// of the big screen, in rem
const STAGE = { width: 86, height: 51.9, host: 6 }
const HEAD = { width: 55, height: 8.8, frame: 12.4 } // of the question's words; its card is at least so high
const PICTURE = 0.36 // of the width
const GAP = 1.6
const PADDING = 3.6
const SHARE = 7 // the number beside an option
const MARK = 8.6 // "right"
const TICK = 3.6 // its sign alone
const NOTE = 3.4
const WHY = { width: 82, letter: 1.7, line: 2.55, frame: 3.4, most: 13.4 }
const FILLED = 0.88 // lines of words are not filled to their ends

/** How wide a text is, in letters of Chinese. */
export function units(text: string): number {
  return [...text].reduce((sum, letter) => sum + (letter > '\u2e7f' ? 1 : 0.6), 0)
}

/** The largest letters, in rem, with which a text fits a box, line by line. */
function fitting(text: string, width: number, height: number, line: number, most: number, least: number): number {
  const all = units(text)
  const word = Math.max(0, ...(text.match(/[^\s\u2e80-\uffff-]+/g) ?? []).map(units)) // is not broken
  const fits = (size: number): boolean => word * size <= width && Math.ceil((all * size) / (width * FILLED)) * line * size <= height
  let size = most
  while (size > least && !fits(size)) size *= 0.96
  return Math.max(least, size)
}

export function questionSize({ text }: Asked): number {
  return fitting(text, HEAD.width, HEAD.height, 1.35, 3.4, 1.2)
}

/** Whether a right option has room for the word, or bears the tick alone. */
export function crowded({ image }: Asked, labels: string[]): boolean {
  return labels.length > 4 || image !== null
}

/** The letters of the options; `told`: with shares, the right ones marked, and the explanation below. */
export function optionSize(asked: Asked, labels: string[], told: boolean, why: string, hosted: boolean): number {
  const rows = Math.ceil(labels.length / 2)
  const head = Math.max(HEAD.frame, Math.ceil((units(asked.text) * questionSize(asked)) / HEAD.width) * 1.35 * questionSize(asked) + 5.5)
  const below = told ? (why ? Math.min(WHY.most, Math.ceil((units(why) * WHY.letter) / WHY.width) * WHY.line + WHY.frame) : 0) : NOTE
  const height = (STAGE.height - (hosted ? STAGE.host : 0) - head - GAP - below - (rows - 1) * 1.2) / rows - 1.2
  const across = (STAGE.width * (asked.image ? 1 - PICTURE : 1) - GAP) / 2
  const width = across - PADDING - (told ? SHARE + (crowded(asked, labels) ? TICK : MARK) : 0)
  const most = rows < 2 ? 4 : 3.4
  return Math.min(...labels.map((label) => fitting(label, width, Math.min(height, 14), 1.3, most, 1.2)))
}
