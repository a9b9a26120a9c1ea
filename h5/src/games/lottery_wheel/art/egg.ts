const DEFS = (id: string): string => `<defs>
<radialGradient id="${id}g" cx=".36" cy=".3" r=".85"><stop offset="0" stop-color="#fffbe0"/><stop offset=".3" stop-color="#ffe07a"/><stop offset=".7" stop-color="#f9ae22"/><stop offset="1" stop-color="#c56a04"/></radialGradient>
<linearGradient id="${id}r" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#f0414a"/><stop offset="1" stop-color="#a80a22"/></linearGradient></defs>`

const BODY = 'M50 6c24 0 42 38 42 64 0 28-20 44-42 44S8 98 8 70C8 44 26 6 50 6Z'
const TEETH = 'M8.600 62L20 54l11 13 11-13 11 12 11-12 12 12 15.500-8'
const svg = (inner: string): string => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 120">${inner}</svg>`
const RIBBON = (id: string): string =>
  `<path d="M8.400 64q41.600 17 83.200 0 .7 8-.4 15-41.400 17-82.400 0-1.100-7-.4-15Z" fill="url(#${id}r)"/><path d="M8.400 64q41.600 17 83.200 0M9 79q41 17 82 0" fill="none" stroke="#ffe08a" stroke-width="1.800"/>
<g fill="#ffe08a"><circle cx="50" cy="80" r="4.500"/><circle cx="33" cy="78.500" r="2.800"/><circle cx="67" cy="78.500" r="2.800"/><circle cx="20" cy="75" r="2"/><circle cx="80" cy="75" r="2"/></g>`
const SHINE = '<path d="M26 38q6-15 17-21" fill="none" stroke="#fff" stroke-opacity=".9" stroke-width="6" stroke-linecap="round"/><circle cx="22.500" cy="49" r="3" fill="#fff" opacity=".85"/>'

/** A golden egg in one piece, 100 x 120. */
export function egg(): string {
  return svg(`${DEFS('eg')}<path d="${BODY}" fill="url(#egg)"/>${RIBBON('eg')}${SHINE}`)
}

/** Its upper and its lower shell, each in the frame of the whole. */
export function shells(): [upper: string, lower: string] {
  const upper = svg(`${DEFS('eu')}<path d="${TEETH}C88 30 70 6 50 6 28 6 12 34 8.600 62Z" fill="url(#eug)"/>${SHINE}`)
  const lower = svg(
    `${DEFS('el')}<path d="M9 62q41-14 82-2-8 10-41 11T9 62Z" fill="#8a4403"/><path d="${TEETH}c.4 6 .5 9 .5 12 0 28-20 44-42 44S8 98 8 70c0-3 .2-5 .6-8Z" fill="url(#elg)"/><path d="M8.200 75q41.800 17 83.600 0-.5 6-1.800 11-40 15-80 0-1.300-5-1.800-11Z" fill="url(#elr)"/><path d="M8.200 75q41.800 17 83.600 0M10 86q40 15 80 0" fill="none" stroke="#ffe08a" stroke-width="1.800"/>`,
  )
  return [upper, lower]
}

/** What the eggs stand on, 100 x 40. */
export function stand(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40"><defs><linearGradient id="sg" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff2b8"/><stop offset=".5" stop-color="#ffc93f"/><stop offset="1" stop-color="#c8740a"/></linearGradient></defs>
<path d="M26 12h48l9 24q-33 7-66 0Z" fill="url(#sg)"/><path d="M30 14h40l7 21q-27 4-54 0Z" fill="#9c0a20"/><path d="M34 26q16 9 32 0" fill="none" stroke="#ffd98a" stroke-width="2.400" stroke-linecap="round"/><ellipse cx="50" cy="12" rx="38" ry="10" fill="url(#sg)"/><ellipse cx="50" cy="10" rx="28" ry="6" fill="#8a4403" opacity=".55"/>
<path d="M13 34q37 9 74 0v3q-37 6-74 0Z" fill="url(#sg)"/></svg>`
}

/** The mallet, 100 x 100, its head at the upper left. */
export function mallet(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><defs><linearGradient id="mg" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#ff7d5e"/><stop offset=".5" stop-color="#d4142c"/><stop offset="1" stop-color="#8f0a20"/></linearGradient>
<linearGradient id="mh" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="#8a4a14"/><stop offset=".4" stop-color="#d99a4e"/><stop offset="1" stop-color="#7a3c0c"/></linearGradient></defs>
<g transform="rotate(-42 50 50)"><rect x="45" y="36" width="11" height="62" rx="5.500" fill="url(#mh)"/><rect x="14" y="6" width="72" height="36" rx="9" fill="url(#mg)"/>
<path d="M22 6v36M78 6v36" stroke="#ffd668" stroke-width="6"/><path d="M24 13h52" stroke="#fff" stroke-opacity=".5" stroke-width="4" stroke-linecap="round"/><rect x="42" y="38" width="17" height="9" rx="3" fill="#ffd668"/></g></svg>`
}
