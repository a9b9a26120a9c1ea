/** Where the phone should go. */
export function playUrl(room: string): string {
  return `${location.origin}/play/${encodeURIComponent(room)}`
}
