/** The vote's own drawings. */

/** A gold cup with a star. */
export function cup(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 170" width="160" height="170"><defs>
<linearGradient id="cg" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="#d98a10"/><stop offset=".35" stop-color="#fff3bd"/><stop offset=".6" stop-color="#ffc93f"/><stop offset="1" stop-color="#b96a04"/></linearGradient></defs>
<g fill="none" stroke="#e8a01f" stroke-width="11"><path d="M42 34H22q-2 40 34 46M118 34h20q2 40-34 46"/></g>
<path d="M38 18h84q2 66-30 82v20h-24v-20Q36 84 38 18Z" fill="url(#cg)"/><ellipse cx="80" cy="18" rx="42" ry="9" fill="#fff1bf"/><ellipse cx="80" cy="19" rx="34" ry="6" fill="#a85b06"/>
<path d="M56 120h48l8 18H48Z" fill="#e9a526"/><rect x="38" y="136" width="84" height="24" rx="6" fill="#8d0e20" stroke="#ffd777" stroke-width="4"/>
<path d="M80 40l7.600 15.500 17 2.500-12.300 12 2.900 17L80 79l-15.200 8 2.900-17-12.300-12 17-2.500Z" fill="#c5172b"/></svg>`
}

/** A heart: the vote button's own mark. */
export function heart(): string {
  return '<svg viewBox="0 0 24 24" width="24" height="24" fill="currentColor"><path d="M12 20.500C5 15.500 2.500 12 2.500 8.500A5 5 0 0 1 12 6.200a5 5 0 0 1 9.500 2.300c0 3.500-2.500 7-9.500 12Z"/></svg>'
}

/** A red seal with a lock: what is not to be seen yet. */
export function seal(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120" width="120" height="120"><defs><radialGradient id="sl" cx=".4" cy=".3" r=".8"><stop offset="0" stop-color="#f0474f"/><stop offset="1" stop-color="#98101f"/></radialGradient></defs>
<path d="M60 4l12 8 14-3 6 13 13 6-2 14 9 11-9 11 2 14-13 6-6 13-14-3-12 8-12-8-14 3-6-13-13-6 2-14-9-11 9-11-2-14 13-6 6-13 14 3Z" fill="url(#sl)" stroke="#ffd777" stroke-width="3"/>
<circle cx="60" cy="54" r="31" fill="none" stroke="#ffd777" stroke-opacity=".7" stroke-width="2.500"/><rect x="44" y="50" width="32" height="24" rx="5" fill="#ffe9b0"/><path d="M50 50v-7a10 10 0 0 1 20 0v7" fill="none" stroke="#ffe9b0" stroke-width="5.500"/><circle cx="60" cy="61" r="4" fill="#98101f"/></svg>`
}
