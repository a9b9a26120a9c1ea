const PART = /[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+\s*/g // a Chinese character or a word

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

/** A name in one or two lines with the largest letters between `most` and `least` px that hold all of it. */
export function fitted(
  text: string, width: number, most: number, least: number, measure: (line: string, px: number) => number,
): { lines: string[]; px: number } {
  for (let px = most; px >= least * ONE_LINE; px *= STEP) if (measure(text, px) <= width) return { lines: [text], px }
  for (let px = most; px >= least; px *= STEP) {
    const lines = wrapped(text, width, 2, (line) => measure(line, px))
    if (!lines[lines.length - 1]?.endsWith('…')) return { lines, px }
  }
  return { lines: wrapped(text, width, 2, (line) => measure(line, least)), px: least }
}
