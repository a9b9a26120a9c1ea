export type Mark = 'right' | 'wrong' | 'missed' | 'other'

const WIDE = 16 // half-width letters that fit a tile
const NARROW = 6 // and beside a mark

/** Whether two tiles fit in a row: few and short options. */
export function paired(texts: readonly string[], marked = false): boolean {
  const most = marked ? NARROW : WIDE
  const width = (text: string): number => [...text].reduce((sum, one) => sum + (one.charCodeAt(0) > 255 ? 2 : 1), 0)
  return texts.length <= 4 && texts.every((text) => width(text) <= most)
}

/** What the solution says of one place. */
export function markOf(place: number, right: readonly number[], chosen: readonly number[]): Mark {
  if (right.includes(place)) return chosen.includes(place) ? 'right' : 'missed'
  return chosen.includes(place) ? 'wrong' : 'other'
}
