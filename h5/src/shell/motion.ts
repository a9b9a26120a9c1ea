/** Whether the member asked for less motion; read at each use, because it may change. */
const query = matchMedia('(prefers-reduced-motion: reduce)')

export function reduced(): boolean {
  return query.matches
}
