// a Chinese character, or a word up to its end or its hyphen
const PART = /[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef-]*-|[^\s\u3000-\u9fff\uff00-\uffef-]+\s*/g

/**
 * A name in at most `most` lines no wider than `width`: Chinese breaks anywhere, words stay whole if they can,
 * what is too long ends in an ellipsis.
 */
export function wrapped(text: string, width: number, most: number, measure: (line: string) => number): string[] {
  const lines: string[] = []
  let line = ''
  for (const part of (text.match(PART) ?? []).flatMap((one) => broken(one, width, measure))) {
    if (line && measure((line + part).trimEnd()) > width) {
      lines.push(line.trimEnd())
      line = ''
    }
    line += part
  }
  if (line) lines.push(line.trimEnd())
  if (lines.length <= most) return lines
  const last = lines.slice(most - 1).join(' ')
  return [...lines.slice(0, most - 1), shortened(last, width, measure)]
}

function broken(part: string, width: number, measure: (line: string) => number): string[] {
  return measure(part.trimEnd()) <= width ? [part] : [...part]
}

function shortened(text: string, width: number, measure: (line: string) => number): string {
  const letters = [...text]
  while (letters.length && measure(`${letters.join('')}…`) > width) letters.pop()
  return `${letters.join('').trimEnd()}…`
}

const STEP = 0.94
const ONE_LINE = 1.1 // times the smallest size: above it one line is better than two of larger letters
const LONG_WORD = 0.8 // times the smallest size: smaller still, before a word is broken or a name is cut

/** The same number of lines, about as long as each other. */
function evened(text: string, width: number, lines: string[], measure: (line: string) => number): string[] {
  let even = lines
  for (let part = 0.95; part > 0.4; part -= 0.05) {
    if ((text.match(PART) ?? []).some((word) => measure(word.trimEnd()) > width * part)) break
    const closer = wrapped(text, width * part, lines.length + 1, measure)
    if (closer.length > lines.length) break
    even = closer
  }
  return even
}

/**
 * A name in one or two lines with the largest letters between `most` and `least` px that hold all of it; what
 * needs more gets smaller letters and `rows` lines before a word is broken or the name ends in an ellipsis.
 */
export function fitted(
  text: string, width: number, most: number, least: number, measure: (line: string, px: number) => number, rows = 2,
): { lines: string[]; px: number } {
  const words = text.match(PART) ?? []
  for (let px = most; px >= least * ONE_LINE; px *= STEP) if (measure(text, px) <= width) return { lines: [text], px }
  for (let px = most; px >= least * LONG_WORD; px *= STEP) {
    if (words.some((word) => measure(word.trimEnd(), px) > width)) continue
    const at = (line: string): number => measure(line, px)
    const lines = wrapped(text, width, px >= least ? 2 : rows, at)
    if (!lines[lines.length - 1]?.endsWith('…')) return { lines: evened(text, width, lines, at), px }
  }
  const px = words.some((word) => measure(word.trimEnd(), least) > width) ? least * LONG_WORD : least
  return { lines: wrapped(text, width, rows, (line) => measure(line, px)), px }
}
