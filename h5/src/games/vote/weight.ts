import type { LevelWeight } from './events'

/** A member's levels, as the token says them; the server decides, this only shows it beforehand. */
export function levelsOf(token: string | null): string[] {
  try {
    const part = (token ?? '').split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/')
    const bytes = Uint8Array.from(atob(part), (char) => char.charCodeAt(0))
    const { levels } = JSON.parse(new TextDecoder().decode(bytes)) as { levels?: unknown }
    return Array.isArray(levels) ? levels.map(String) : []
  } catch {
    return [] // a token of another make
  }
}

/** Votes that a choice counts: the highest of the member's levels, 1 without any. */
export function weightOf(levels: string[], weights: LevelWeight[]): number {
  const own = weights.filter(({ level }) => levels.includes(level)).map(({ weight }) => weight)
  return own.length ? Math.max(...own) : 1
}
