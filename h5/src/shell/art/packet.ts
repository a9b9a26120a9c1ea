/** A red packet with a gold seal; `look` picks one of three papers. */
const PAPERS = [
  ['#ff6150', '#d3142c', '#f03a45', '#a90d23'],
  ['#ff7d4a', '#dc3413', '#f9592f', '#b02208'],
  ['#f7587b', '#c2103f', '#e2335c', '#960a2f'],
] as const

export const PACKET_LOOKS = PAPERS.length

export function packet(look = 0): string {
  const [light, dark, flap, flapDark] = PAPERS[look % PAPERS.length]!
  const id = `pk${look % PAPERS.length}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 160" width="120" height="160"><defs>
<linearGradient id="${id}b" x1="0" y1="0" x2=".3" y2="1"><stop offset="0" stop-color="${light}"/><stop offset="1" stop-color="${dark}"/></linearGradient>
<linearGradient id="${id}f" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${light}"/><stop offset=".6" stop-color="${flap}"/><stop offset="1" stop-color="${flapDark}"/></linearGradient>
<radialGradient id="${id}s" cx=".35" cy=".3" r=".8"><stop offset="0" stop-color="#fff6cf"/><stop offset=".5" stop-color="#ffd668"/><stop offset="1" stop-color="#e59412"/></radialGradient></defs>
<rect x="3" y="3" width="114" height="154" rx="15" fill="url(#${id}b)"/>
<g fill="none" stroke="#ffd98a" stroke-opacity=".55" stroke-width="2.4" stroke-linecap="round">
<path d="M14 146q0-14 14-14t14 13q0 8-8 8t-7-7"/><path d="M106 146q0-14-14-14t-14 13q0 8 8 8t7-7"/><path d="M46 150q14-14 28 0"/></g>
<path d="M3 60V20h114v40Q60 118 3 60Z" fill="#5c0012" opacity=".28"/>
<path d="M3 18A15 15 0 0 1 18 3h84a15 15 0 0 1 15 15v36Q60 110 3 54Z" fill="url(#${id}f)"/>
<path d="M3 54Q60 110 117 54" fill="none" stroke="#ffd777" stroke-width="3"/>
<path d="M14 22q24-12 46-11" fill="none" stroke="#fff" stroke-opacity=".45" stroke-width="5" stroke-linecap="round"/>
<circle cx="60" cy="80" r="27" fill="#6d0616" opacity=".3"/>
<circle cx="60" cy="77" r="26" fill="url(#${id}s)"/>
<circle cx="60" cy="77" r="20" fill="none" stroke="#c9760d" stroke-opacity=".75" stroke-width="2"/>
<path d="M52 69h16v16H52Z" fill="#b1131f" stroke="#c9760d" stroke-width="2" stroke-linejoin="round"/>
<path d="M43 66a20 20 0 0 1 12-7" fill="none" stroke="#fff" stroke-opacity=".85" stroke-width="3" stroke-linecap="round"/>
<rect x="3" y="3" width="114" height="154" rx="15" fill="none" stroke="#ffb9a0" stroke-opacity=".5" stroke-width="1.6"/></svg>`
}

/** The same packet opened, with a slip of gold light rising out of it. */
export function openPacket(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 260" width="240" height="260"><defs>
<linearGradient id="opb" x1="0" y1="0" x2=".2" y2="1"><stop offset="0" stop-color="#ff5a49"/><stop offset="1" stop-color="#b90c26"/></linearGradient>
<linearGradient id="opf" x1="0" y1="1" x2="0" y2="0"><stop offset="0" stop-color="#d41a31"/><stop offset="1" stop-color="#8f0a20"/></linearGradient>
<linearGradient id="opi" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff3c2"/><stop offset="1" stop-color="#f7b733"/></linearGradient>
<radialGradient id="ops" cx=".35" cy=".3" r=".8"><stop offset="0" stop-color="#fff6cf"/><stop offset=".5" stop-color="#ffd668"/><stop offset="1" stop-color="#e59412"/></radialGradient></defs>
<path d="M22 112Q120-58 218 112Z" fill="url(#opf)"/><path d="M22 112Q120-58 218 112" fill="none" stroke="#ffd777" stroke-width="4"/>
<path d="M40 116Q120-8 200 116Z" fill="#7c0519" opacity=".55"/>
<path d="M46 70q0-10 10-10h128q10 0 10 10v80H46Z" fill="url(#opi)"/>
<path d="M58 78h124v60H58Z" fill="none" stroke="#cf8a17" stroke-width="2"/>
<path d="M18 106l102 64 102-64v128q0 22-22 22H40q-22 0-22-22Z" fill="url(#opb)"/>
<path d="M18 250l90-86q12-10 24 0l90 86q-6 6-22 6H40q-16 0-22-6Z" fill="#7c0519" opacity=".25"/>
<path d="M18 106l102 64 102-64" fill="none" stroke="#ffd777" stroke-width="4" stroke-linejoin="round"/>
<g fill="none" stroke="#ffd98a" stroke-opacity=".6" stroke-width="4" stroke-linecap="round"><path d="M38 240q0-24 24-24t24 22q0 14-14 14"/><path d="M202 240q0-24-24-24t-24 22q0 14 14 14"/></g>
<circle cx="120" cy="192" r="35" fill="#6d0616" opacity=".3"/><circle cx="120" cy="188" r="34" fill="url(#ops)"/>
<circle cx="120" cy="188" r="26" fill="none" stroke="#c9760d" stroke-opacity=".75" stroke-width="2.5"/>
<path d="M109 177h22v22h-22Z" fill="#b1131f" stroke="#c9760d" stroke-width="2.5" stroke-linejoin="round"/>
<path d="M98 174a26 26 0 0 1 15-9" fill="none" stroke="#fff" stroke-opacity=".85" stroke-width="4" stroke-linecap="round"/></svg>`
}
