/** A bank of auspicious clouds 祥云 for the foot of a page, a shade over any accent; a tile that repeats sideways. */
export function clouds(): string {
  const curl = (x: number, y: number, r: number): string =>
    `<path d="M${x - r} ${y}a${r} ${r} 0 1 1 ${r} ${r}a${r * 0.62} ${r * 0.62} 0 1 1 ${r * 0.6}-${r * 0.62}"/>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 130" width="400" height="130">
<path d="M0 78c20-34 62-34 78-6 10-44 78-50 96-6 22-30 66-22 74 10 16-40 84-40 96 2 14-20 40-20 56-6v58H0Z" fill="#1e000a" fill-opacity=".26"/>
<path d="M0 104c14-30 60-34 76-4 18-34 70-32 84 2 20-26 62-22 74 6 20-30 72-24 84 6 16-24 56-24 82-2v18H0Z" fill="#1e000a" fill-opacity=".42"/>
<g fill="none" stroke="#ffd98a" stroke-opacity=".5" stroke-width="2.2" stroke-linecap="round">${curl(46, 100, 15)}${curl(122, 98, 16)}${curl(200, 106, 13)}${curl(282, 104, 15)}${curl(356, 106, 14)}</g></svg>`
}

/** Small line pictures of the shell's buttons, 24 x 24, in the current colour. */
const STROKES = {
  back: '<path d="M15 5l-7 7 7 7"/>',
  close: '<path d="M6 6l12 12M18 6L6 18"/>',
  rules: '<path d="M6 3h9l4 4v14H6Z"/><path d="M9.5 11h6M9.5 15h6M14.5 3v5h4.5"/>',
  gift: '<path d="M4 11h16v10H4ZM3 7h18v4H3ZM12 7v14M12 7C7 7 6.5 2.5 9.5 2.5 12 2.5 12 7 12 7s0-4.5 2.5-4.5C17.5 2.5 17 7 12 7"/>',
  share: '<path d="M12 15V3M8 7l4-4 4 4M5 12v8h14v-8"/>',
  sound: '<path d="M4 9.5v5h3.5L13 19V5L7.5 9.5ZM16.5 8.5a5 5 0 0 1 0 7M19 6a8.5 8.5 0 0 1 0 12"/>',
  mute: '<path d="M4 9.5v5h3.5L13 19V5L7.5 9.5ZM17 10l4.5 4.5M21.5 10L17 14.5"/>',
  screen: '<path d="M3 4h18v13H3ZM8 21h8M12 17v4"/>',
  phone: '<path d="M7 2.5h10v19H7ZM11 18.5h2"/>',
  full: '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>',
  check: '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
  clock: '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.5l3.5 2"/>',
  pause: '<path d="M8.5 5.5v13M15.5 5.5v13"/>',
  flag: '<path d="M6 21V4h11l-2.5 4L17 12H6"/>',
  lock: '<path d="M5.5 11h13v9.500h-13ZM8.5 11V7.500a3.5 3.5 0 0 1 7 0V11"/>',
  ban: '<circle cx="12" cy="12" r="9"/><path d="M5.7 5.700l12.6 12.6"/>',
  user: '<circle cx="12" cy="8" r="4"/><path d="M4.5 20.500c1-9 14-9 15 0"/>',
  crowd: '<circle cx="9" cy="9" r="3.5"/><path d="M2.5 19.500c.8-7 12.2-7 13 0M15.5 5.700a3.5 3.5 0 0 1 0 6.600M18 14.800c2 .6 3.2 2.2 3.5 4.7"/>',
  search: '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.500L21 21"/>',
  offline: '<path d="M3 9.500a14 14 0 0 1 18 0M6.5 13.500a9 9 0 0 1 11 0M12 18.500v.1M4 3l16 18"/>',
  reload: '<path d="M20 6v5h-5M19.5 11A8 8 0 1 0 20 15"/>',
  zero: '<path d="M4 8h16l-1.5 12h-13ZM8 8l2-4M16 8l-2-4M10 12l4 4M14 12l-4 4"/>',
} as const

export type IconName = keyof typeof STROKES

export function icon(name: IconName): string {
  return `<svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round">${STROKES[name]}</svg>`
}
