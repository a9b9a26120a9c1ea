/** A paper lantern on a cord, with a tassel. */
export function lantern(): string {
  const ribs = [14, 30, 44].map(
    (rx) => `<ellipse cx="70" cy="104" rx="${rx}" ry="46" fill="none" stroke="#ffb347" stroke-opacity=".55" stroke-width="1.8"/>`,
  )
  const threads = [60, 65, 70, 75, 80].map((x, i) => `<path d="M70 178L${x} ${222 - Math.abs(2 - i) * 4}"/>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 140 230" width="140" height="230"><defs>
<radialGradient id="ln" cx=".5" cy=".5" r=".6"><stop offset="0" stop-color="#ffb04a"/><stop offset=".45" stop-color="#f5402f"/><stop offset="1" stop-color="#b3091f"/></radialGradient>
<linearGradient id="lc" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="#c77c10"/><stop offset=".4" stop-color="#fff0b0"/><stop offset="1" stop-color="#cf8413"/></linearGradient></defs>
<path d="M70 0v52" stroke="#f6c667" stroke-width="3"/>
<ellipse cx="70" cy="104" rx="58" ry="47" fill="url(#ln)"/>${ribs.join('')}<path d="M70 58v92" stroke="#ffb347" stroke-opacity=".55" stroke-width="1.8"/>
<rect x="45" y="48" width="50" height="13" rx="5" fill="url(#lc)"/><rect x="45" y="147" width="50" height="13" rx="5" fill="url(#lc)"/>
<path d="M26 84q10-20 28-25" fill="none" stroke="#fff" stroke-opacity=".35" stroke-width="6" stroke-linecap="round"/>
<path d="M70 160v12" stroke="#f6c667" stroke-width="3"/><circle cx="70" cy="175" r="6" fill="#ffd668"/>
<g stroke="#f0a92c" stroke-width="2.6" stroke-linecap="round" fill="none">${threads.join('')}</g></svg>`
}
