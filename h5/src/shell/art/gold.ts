/** A round coin with a square hole. */
export function coin(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80" width="80" height="80"><defs>
<radialGradient id="cn" cx=".35" cy=".3" r=".8"><stop offset="0" stop-color="#fff8d6"/><stop offset=".45" stop-color="#ffd45e"/><stop offset="1" stop-color="#dd8a0c"/></radialGradient></defs>
<circle cx="40" cy="43" r="35" fill="#8a4b05"/><circle cx="40" cy="39" r="35" fill="url(#cn)"/>
<circle cx="40" cy="39" r="28" fill="none" stroke="#b8740c" stroke-opacity=".8" stroke-width="2.5"/>
<path d="M31 30h18v18H31Z" fill="#a9570a" stroke="#fff0b5" stroke-width="2.5" stroke-linejoin="round"/>
<path d="M16 30a26 26 0 0 1 14-15" fill="none" stroke="#fff" stroke-opacity=".9" stroke-width="4" stroke-linecap="round"/></svg>`
}

/** A gold ingot 元宝. */
export function ingot(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 104" width="160" height="104"><defs>
<linearGradient id="ig" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff2b8"/><stop offset=".45" stop-color="#ffc93f"/><stop offset="1" stop-color="#d37a05"/></linearGradient>
<radialGradient id="id" cx=".42" cy=".25" r=".8"><stop offset="0" stop-color="#fffbe6"/><stop offset=".5" stop-color="#ffd75c"/><stop offset="1" stop-color="#e08f10"/></radialGradient></defs>
<path d="M6 22q4-10 14-6 30 16 60 16t60-16q10-4 14 6 4 40-22 62-20 16-52 16t-52-16Q2 62 6 22Z" fill="url(#ig)"/>
<ellipse cx="80" cy="44" rx="62" ry="17" fill="#b86504" opacity=".65"/>
<path d="M40 46q2-38 40-38t40 38q-14 12-40 12T40 46Z" fill="url(#id)"/>
<path d="M56 26q8-10 20-11" fill="none" stroke="#fff" stroke-opacity=".95" stroke-width="5" stroke-linecap="round"/>
<path d="M18 44q4 30 26 42" fill="none" stroke="#fff3c4" stroke-opacity=".8" stroke-width="4" stroke-linecap="round"/></svg>`
}
