/** The rim of the wheel with its bulbs, 400 x 400; the disc lies on it. Bulbs of two groups, for two rhythms. */
const BULBS = 24

export function rim(): string {
  const bulbs = [0, 1].map((group) => {
    const lamps = Array.from({ length: BULBS / 2 }, (_, i) => {
      const turn = ((2 * i + group) / BULBS) * 2 * Math.PI
      return `<circle cx="${(200 + 182 * Math.sin(turn)).toFixed(1)}" cy="${(200 - 182 * Math.cos(turn)).toFixed(1)}" r="7"/>`
    })
    return `<g class="bulbs b${group}">${lamps.join('')}</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400"><defs>
<linearGradient id="rg" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff6cf"/><stop offset=".45" stop-color="#ffc93f"/><stop offset="1" stop-color="#c8740a"/></linearGradient></defs>
<circle cx="200" cy="200" r="199" fill="url(#rg)"/><circle cx="200" cy="200" r="192.500" fill="var(--accent-deep)"/><circle cx="200" cy="200" r="192.500" fill="var(--accent)" opacity=".75"/>
${bulbs.join('')}<circle cx="200" cy="200" r="172" fill="url(#rg)"/></svg>`
}

/** The hub with its hand, 120 x 150; the hand points up. */
export function hub(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 150"><defs>
<linearGradient id="hg" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff6cf"/><stop offset=".5" stop-color="#ffc93f"/><stop offset="1" stop-color="#d07c0a"/></linearGradient>
<radialGradient id="hr" cx=".42" cy=".28" r=".85"><stop offset="0" stop-color="#ff6a4d"/><stop offset=".55" stop-color="#d4142c"/><stop offset="1" stop-color="#8f0a20"/></radialGradient></defs>
<path d="M40 48L60 4l20 44Z" fill="url(#hg)" stroke="#fff1b8" stroke-width="2" stroke-linejoin="round"/><path d="M49 48L60 20l11 28Z" fill="#d4142c"/>
<circle cx="60" cy="93" r="56" fill="#5c0012" opacity=".35"/><circle cx="60" cy="90" r="56" fill="url(#hg)"/><circle cx="60" cy="90" r="47" fill="url(#hr)"/>
<circle cx="60" cy="90" r="43" fill="none" stroke="#ffd98a" stroke-opacity=".75" stroke-width="1.600"/><path d="M26 74a38 38 0 0 1 22-20" fill="none" stroke="#fff" stroke-opacity=".5" stroke-width="4" stroke-linecap="round"/></svg>`
}

/** The foot of the wheel, 300 x 90. */
export function foot(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 90"><defs>
<linearGradient id="fg" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff2b8"/><stop offset=".5" stop-color="#ffc93f"/><stop offset="1" stop-color="#c8740a"/></linearGradient></defs>
<path d="M86 0h128l34 66H52Z" fill="url(#fg)"/><path d="M94 4h112l31 58H63Z" fill="#9c0a20"/><path d="M86 0h128l10 20H76Z" fill="#5c0012" opacity=".45"/>
<path d="M84 42q33 22 66 0 33 22 66 0" fill="none" stroke="#ffd98a" stroke-width="3.500" stroke-linecap="round"/><circle cx="150" cy="40" r="11" fill="url(#fg)"/><path d="M146 36h8v8h-8Z" fill="#9c0a20"/>
<rect x="34" y="60" width="232" height="24" rx="12" fill="url(#fg)"/><rect x="42" y="64" width="216" height="6" rx="3" fill="#fff" opacity=".45"/></svg>`
}
