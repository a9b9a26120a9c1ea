const GOLD = '#ffd668'
const PAPER = ['#fff6e0', '#ffc9a0', '#fff6e0', '#ff9d7d'] as const

/** The game's picture in the lobby: a wheel of fortune on its stand. */
export function wheelCard(): string {
  const sectors = Array.from({ length: 8 }, (_, i) => {
    const [x, y, u, w] = [i, i + 1].flatMap((n) => [120 + 84 * Math.sin((n * Math.PI) / 4), 116 - 84 * Math.cos((n * Math.PI) / 4)])
    return `<path d="M120 116L${x!.toFixed(1)} ${y!.toFixed(1)}A84 84 0 0 1 ${u!.toFixed(1)} ${w!.toFixed(1)}Z" fill="${PAPER[i % 4]}"/>`
  })
  const bulbs = Array.from({ length: 16 }, (_, i) => {
    const [x, y] = [120 + 97 * Math.sin((i * Math.PI) / 8), 116 - 97 * Math.cos((i * Math.PI) / 8)]
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="5" fill="${i % 2 ? '#fff8dc' : GOLD}"/>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 260" width="240" height="260"><defs>
<linearGradient id="wr" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff2b8"/><stop offset=".5" stop-color="#ffc93f"/><stop offset="1" stop-color="#d8830c"/></linearGradient>
<radialGradient id="wh" cx=".4" cy=".3" r=".8"><stop offset="0" stop-color="#ff7d5e"/><stop offset="1" stop-color="#b90c26"/></radialGradient></defs>
<path d="M84 196h72l26 54q2 6-6 6H64q-8 0-6-6Z" fill="#8f0a20"/><path d="M84 196h72l8 16H76Z" fill="#5c0012" opacity=".5"/><rect x="52" y="240" width="136" height="16" rx="8" fill="url(#wr)"/>
<circle cx="120" cy="116" r="112" fill="url(#wr)"/><circle cx="120" cy="116" r="105" fill="#b3091f"/>${bulbs.join('')}
<circle cx="120" cy="116" r="88" fill="url(#wr)"/>${sectors.join('')}
<path d="M104 78l16-34 16 34Z" fill="#e8323c" stroke="${GOLD}" stroke-width="4" stroke-linejoin="round"/>
<circle cx="120" cy="116" r="37" fill="url(#wr)"/><circle cx="120" cy="116" r="30" fill="url(#wh)"/>
<path d="M120 96l6 13 14 1.500-10.500 9.500 3 14-12.500-7.500-12.500 7.500 3-14-10.500-9.500 14-1.500Z" fill="${GOLD}"/></svg>`
}
