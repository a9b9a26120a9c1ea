/**
 * A host link is /screen/{room}#host=TOKEN. The token is taken out of the address, which a projector shows to
 * everybody, and kept for this tab alone, so that a reload goes on hosting.
 */
const forPage = new Map<string, string>()

/** The token of the room's host; null on a screen that only shows. */
export function hostToken(room: string): string | null {
  const given = /^#host=([^&]+)$/.exec(location.hash)?.[1]
  if (given) {
    const token = decodeURIComponent(given)
    history.replaceState(history.state, '', location.pathname + location.search)
    forPage.set(room, token)
    try {
      sessionStorage.setItem(`host:${room}`, token)
    } catch {
      // kept for the page only
    }
  }
  try {
    return forPage.get(room) ?? sessionStorage.getItem(`host:${room}`)
  } catch {
    return forPage.get(room) ?? null
  }
}

export function forgetHost(room: string): void {
  forPage.delete(room)
  try {
    sessionStorage.removeItem(`host:${room}`)
  } catch {
    // nothing was kept
  }
}
