import type { Asked, Given, Right } from '../events'

/** A typed answer is cut here, as the server does. */
export const MAX_TYPED = 200
const NUMBER = /^[+-]?(\d{1,18}(\.\d{0,12})?|\.\d{1,12})$/

/** Decimal text of what was typed as a number (full width and commas tolerated), or null. */
export function typedNumber(text: string): string | null {
  const plain = text.normalize('NFKC').replace(/[\s,，]/g, '').replace(/−/g, '-').replace(/。/g, '.')
  return NUMBER.test(plain) ? plain : null
}

/** Nothing given yet; an order question starts in the order shown. */
export function blank(asked: Asked): Given {
  if (asked.kind === 'number') return { number: '' }
  if (asked.kind === 'text') return { text: '' }
  return { choices: asked.kind === 'order' ? asked.options.map((_, place) => place) : [] }
}

/** What the server takes for an answer to this question; null while it is not one. */
export function complete(asked: Asked, given: Given): Given | null {
  if (asked.kind === 'number') {
    const number = typedNumber(given.number ?? '')
    return number === null ? null : { number }
  }
  if (asked.kind === 'text') {
    const text = (given.text ?? '').trim()
    return text ? { text: text.slice(0, MAX_TYPED) } : null
  }
  return given.choices?.length ? { choices: given.choices } : null
}

/** The places after one more tap; where one option is right a tap replaces the one before. */
export function toggled(asked: Asked, chosen: readonly number[], place: number): number[] {
  if (asked.kind !== 'multiple') return [place]
  return chosen.includes(place) ? chosen.filter((one) => one !== place) : [...chosen, place].sort((a, b) => a - b)
}

/** The list with one line moved to another place; what is out of bounds stays. */
export function moved(order: readonly number[], from: number, to: number): number[] {
  const next = [...order]
  if (to < 0 || to >= order.length) return next
  next.splice(to, 0, ...next.splice(from, 1))
  return next
}

/** A typed solution in words: one number, a range, or the first accepted text. */
export function solutionText(solution: Right): string {
  const { number, text } = solution
  if (number) return number.min === number.max ? number.min : `${number.min} – ${number.max}`
  return (text ?? []).slice(0, 3).join(' / ')
}
