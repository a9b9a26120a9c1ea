/** localStorage that may be forbidden (private windows, embeds): then values last as long as the page. */
const forPage = new Map<string, string | null>()

export function kept(key: string): string | null {
  if (forPage.has(key)) return forPage.get(key) ?? null
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export function keep(key: string, value: string | null): void {
  forPage.set(key, value)
  try {
    if (value === null) localStorage.removeItem(key)
    else localStorage.setItem(key, value)
  } catch {
    // kept for the page only
  }
}
