export type Mark = 'right' | 'wrong' | 'missed' | 'other'

/** Whether two tiles fit in a row: few and short options. */
export function paired(texts: readonly string[]): boolean {
  const width = (text: string): number => [...text].reduce((sum, one) => sum + (one.charCodeAt(0) > 255 ? 2 : 1), 0)
  return texts.length <= 4 && texts.every((text) => width(text) <= 16)
}

/** What the solution says of one place. */
export function markOf(place: number, right: readonly number[], chosen: readonly number[]): Mark {
  if (right.includes(place)) return chosen.includes(place) ? 'right' : 'missed'
  return chosen.includes(place) ? 'wrong' : 'other'
}
