/** The quiz's drawings. Every option has a shape and a colour of its own, so that neither is needed alone. */
const SHAPES = [
  '<path d="M50 10L94 86H6Z"/>',
  '<path d="M50 4L94 50 50 96 6 50Z"/>',
  '<circle cx="50" cy="50" r="43"/>',
  '<path d="M12 12h76v76H12Z"/>',
  '<path d="M50 4L90 27V73L50 96 10 73V27Z"/>',
  '<path d="M50 3l14 31 33 4-25 23 7 33-29-17-29 17 7-33L3 38l33-4Z"/>',
  '<path d="M35 6h30v29h29v30H65v29H35V65H6V35h29Z"/>',
  '<path d="M50 4q36 42 36 58a36 33 0 0 1-72 0Q14 46 50 4Z"/>',
  '<path d="M50 5L95 40 78 94H22L5 40Z"/>',
  '<path d="M50 92L12 52a23 23 0 0 1 38-26 23 23 0 0 1 38 26Z"/>',
] as const

/** White text reads on each of them at 4.5 : 1 or better. */
export const COLOURS = [
  '#1c5cb8', '#a3470a', '#6b35a8', '#136e45', '#0b6878', '#a11d5e', '#4546b5', '#6a5a08', '#7d3f2e', '#42536b',
] as const

export function shape(index: number): string {
  return `<svg viewBox="0 0 100 100" width="100" height="100" fill="currentColor" stroke-linejoin="round">${SHAPES[index % SHAPES.length]}</svg>`
}

const MARK = '<path d="M-19-16a19 19 0 1 1 31 15Q0 8 0 20" fill="none" stroke-width="11" stroke-linecap="round"/><circle cy="38" r="7" stroke="none"/>'

/** A fan of question cards with a gold border, the front one with a question mark. */
export function hero(): string {
  const card = (turn: number, paper: string): string =>
    `<g transform="rotate(${turn} 130 260)"><rect x="66" y="44" width="128" height="172" rx="18" fill="${paper}" stroke="#ffd777" stroke-width="5"/></g>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 260 250" width="260" height="250"><defs>
<linearGradient id="qp" x1="0" y1="0" x2=".3" y2="1"><stop offset="0" stop-color="#fffdf4"/><stop offset="1" stop-color="#ffe3ab"/></linearGradient>
<linearGradient id="qr" x1="0" y1="0" x2=".3" y2="1"><stop offset="0" stop-color="#ff6150"/><stop offset="1" stop-color="#b90c26"/></linearGradient>
<linearGradient id="qm" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#f03a45"/><stop offset="1" stop-color="#9a0d20"/></linearGradient>
<radialGradient id="qs" cx=".35" cy=".3" r=".8"><stop offset="0" stop-color="#fff6cf"/><stop offset=".5" stop-color="#ffd668"/><stop offset="1" stop-color="#e59412"/></radialGradient></defs>
${card(-19, 'url(#qr)')}${card(17, 'url(#qr)')}${card(-2, 'url(#qp)')}
<g transform="rotate(-2 130 260)"><rect x="77" y="55" width="106" height="150" rx="11" fill="none" stroke="#e0a94a" stroke-width="2.5"/>
<g fill="none" stroke="#e0a94a" stroke-width="2.5" stroke-linecap="round"><path d="M86 76q0-12 12-12"/><path d="M174 76q0-12-12-12"/><path d="M86 184q0 12 12 12"/><path d="M174 184q0 12-12 12"/></g>
<g transform="translate(130 122) scale(1.36)" fill="url(#qm)" stroke="url(#qm)">${MARK}</g></g>
<g transform="translate(202 196)"><circle r="32" fill="#6d0616" opacity=".3" cy="4"/><circle r="31" fill="url(#qs)"/><circle r="24" fill="none" stroke="#c9760d" stroke-opacity=".75" stroke-width="2.5"/>
<path d="M-13 1l9 10L14-10" fill="none" stroke="#b1131f" stroke-width="7" stroke-linecap="round" stroke-linejoin="round"/></g></svg>`
}

/** A life: full, or an outline once it is lost. */
export function heart(full: boolean): string {
  const fill = full ? 'fill="#ff5363" stroke="#ffd0d4"' : 'fill="none" stroke="#ffe3bd"'
  return `<svg viewBox="0 0 24 24" width="24" height="24" ${fill} stroke-width="1.6" stroke-linejoin="round"><path d="M12 20.500L3.700 12A5 5 0 0 1 12 6.200 5 5 0 0 1 20.300 12Z"/></svg>`
}

export function flame(): string {
  return '<svg viewBox="0 0 24 24" width="24" height="24"><path d="M12.500 2q6 5 6 11.500a6.500 6.500 0 0 1-13 0q0-3.500 2.500-6 .5 2.500 2 3.200Q9.500 6 12.500 2Z" fill="#ff8a2b"/><path d="M12 12q3 2.500 3 5a3 3 0 0 1-6 0q0-2 1.200-3l.9 1Q11 13.500 12 12Z" fill="#ffe27a"/></svg>'
}

/** Line pictures like the shell's, 24 x 24, in the current colour. */
const STROKES = {
  up: '<path d="M12 19V5M5.500 11.500L12 5l6.500 6.500"/>',
  down: '<path d="M12 5v14M5.500 12.500L12 19l6.500-6.500"/>',
  grip: '<path d="M4 8.500h16M4 15.500h16"/>',
  cross: '<path d="M6 6l12 12M18 6L6 18"/>',
  tick: '<path d="M5 12.500l4.500 4.500L19 7.500"/>',
  eye: '<path d="M2.500 12q9.500-14 19 0-9.500 14-19 0Z"/><circle cx="12" cy="12" r="3"/>',
  team: '<path d="M6 21V4h12l-3 4 3 4H6"/>',
  next: '<path d="M5 12h13M12.500 6l6 6-6 6"/>',
  keys: '<path d="M3 6h18v12H3ZM7 10h.1M12 10h.1M17 10h.1M8 14h8"/>',
} as const

export type Stroke = keyof typeof STROKES

export function stroke(name: Stroke): string {
  return `<svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round">${STROKES[name]}</svg>`
}

/** A crown for the winner. */
export function crown(): string {
  return `<svg viewBox="0 0 120 84" width="120" height="84"><defs><linearGradient id="cr" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff3bd"/><stop offset=".5" stop-color="#ffc93f"/><stop offset="1" stop-color="#d8830b"/></linearGradient></defs>
<path d="M14 66L6 22l28 18L60 6l26 34 28-18-8 44Z" fill="url(#cr)" stroke="#a95b06" stroke-width="2.5" stroke-linejoin="round"/><path d="M14 66h92v12H14Z" fill="url(#cr)" stroke="#a95b06" stroke-width="2.5" stroke-linejoin="round"/>
<circle cx="60" cy="8" r="6" fill="#ff5a49"/><circle cx="7" cy="22" r="5" fill="#ff5a49"/><circle cx="113" cy="22" r="5" fill="#ff5a49"/><circle cx="60" cy="52" r="7" fill="#d3142c" stroke="#fff0b5" stroke-width="2"/></svg>`
}
