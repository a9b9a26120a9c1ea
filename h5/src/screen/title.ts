const WIDE = 60 // rem that a line of the title has
const LARGEST = 5
const ONE_LINE = 3 // smaller letters stand better in two lines
const TWO_LINES = 3
const SMALLEST = 1.7
const SLACK = 0.9 // lines of words are not filled to their ends

/** The letters of the big screen's title in rem, so that all of it can be read. */
export function titleSize(title: string): number {
  const units = [...title].reduce((sum, letter) => sum + (letter > '\u2e7f' ? 1.08 : 0.66), 0)
  const one = WIDE / units
  if (one >= ONE_LINE) return Math.min(LARGEST, one)
  return Math.max(SMALLEST, Math.min(TWO_LINES, 2 * SLACK * one))
}
