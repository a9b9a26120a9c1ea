import { coin, ingot } from '../../../shell/art/gold'
import type { Kind } from '../events'

const svg = (inner: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80" width="80" height="80">${inner}</svg>`

const GOLD = (id: string): string =>
  `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff2b8"/><stop offset=".5" stop-color="#ffc93f"/><stop offset="1" stop-color="#e08f10"/></linearGradient>`

/** A voucher with a torn edge. */
function coupon(): string {
  return svg(`<defs><linearGradient id="cp" x1="0" y1="0" x2=".3" y2="1"><stop offset="0" stop-color="#ff7d5e"/><stop offset="1" stop-color="#cf1a33"/></linearGradient>${GOLD('cg')}</defs>
<g transform="rotate(-9 40 40)"><path d="M6 24q0-5 5-5h58q5 0 5 5v8a8 8 0 0 0 0 16v8q0 5-5 5H11q-5 0-5-5v-8a8 8 0 0 0 0-16Z" fill="#8a0f1f" transform="translate(0 3)"/>
<path d="M6 24q0-5 5-5h58q5 0 5 5v8a8 8 0 0 0 0 16v8q0 5-5 5H11q-5 0-5-5v-8a8 8 0 0 0 0-16Z" fill="url(#cp)"/>
<path d="M52 21v38" stroke="#ffe6b8" stroke-width="2.4" stroke-dasharray="3.5 4"/>
<circle cx="23" cy="33" r="5.500" fill="none" stroke="url(#cg)" stroke-width="4"/><circle cx="37" cy="47" r="5.500" fill="none" stroke="url(#cg)" stroke-width="4"/><path d="M39 29L21 51" stroke="url(#cg)" stroke-width="4" stroke-linecap="round"/>
<path d="M59 33h8M59 40h8M59 47h8" stroke="#ffe6b8" stroke-width="3" stroke-linecap="round"/></g>`)
}

/** A box with a gold ribbon: goods that are sent or fetched. */
function goods(): string {
  return svg(`<defs><linearGradient id="gb" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#ff6a52"/><stop offset="1" stop-color="#c3122c"/></linearGradient>${GOLD('gr')}</defs>
<ellipse cx="40" cy="72" rx="30" ry="4" fill="#5a0010" opacity=".25"/>
<rect x="12" y="36" width="56" height="36" rx="5" fill="url(#gb)"/><path d="M12 40h56v7H12Z" fill="#7c0519" opacity=".35"/>
<rect x="8" y="25" width="64" height="16" rx="5" fill="#ef3b3f"/><rect x="8" y="25" width="64" height="6" rx="3" fill="#ff8a70" opacity=".7"/>
<rect x="34" y="25" width="12" height="47" fill="url(#gr)"/>
<path d="M40 25c-9 0-20-3-20-11 0-7 13-8 20 11 7-19 20-18 20-11 0 8-11 11-20 11Z" fill="none" stroke="url(#gr)" stroke-width="5.500" stroke-linejoin="round"/><circle cx="40" cy="24" r="5" fill="#ffe08a"/>`)
}

/** A card with a hidden code. */
function code(): string {
  return svg(`<defs><linearGradient id="cd" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#8a5bff"/><stop offset="1" stop-color="#d3256e"/></linearGradient>${GOLD('ck')}</defs>
<g transform="rotate(-7 40 40)"><rect x="7" y="21" width="66" height="44" rx="7" fill="#4a0c3c" opacity=".5"/><rect x="7" y="17" width="66" height="44" rx="7" fill="url(#cd)"/>
<rect x="14" y="25" width="14" height="11" rx="2.500" fill="url(#ck)"/><path d="M21 25v11M14 30.500h14" stroke="#b8740c" stroke-width="1.200"/>
<path d="M7 43h66v10H7Z" fill="#fff" opacity=".9"/><g fill="#5b1550"><circle cx="19" cy="48" r="2.600"/><circle cx="29" cy="48" r="2.600"/><circle cx="39" cy="48" r="2.600"/><circle cx="49" cy="48" r="2.600"/><circle cx="59" cy="48" r="2.600"/></g>
<path d="M38 24q16-3 30 0" stroke="#fff" stroke-opacity=".55" stroke-width="3" stroke-linecap="round" fill="none"/></g>`)
}

/** Two arrows around a star: another go. */
function again(): string {
  return svg(`<defs><radialGradient id="ag" cx=".35" cy=".3" r=".8"><stop offset="0" stop-color="#ff8d6a"/><stop offset="1" stop-color="#c3122c"/></radialGradient>${GOLD('aa')}</defs>
<circle cx="40" cy="43" r="33" fill="#7c0519" opacity=".45"/><circle cx="40" cy="40" r="33" fill="url(#ag)"/><circle cx="40" cy="40" r="33" fill="none" stroke="url(#aa)" stroke-width="3"/>
<g fill="none" stroke="url(#aa)" stroke-width="5" stroke-linecap="round"><path d="M19 40a21 21 0 0 1 36-15"/><path d="M61 40a21 21 0 0 1-36 15"/></g>
<path d="M60 15v13H47Z" fill="#ffd667"/><path d="M20 65V52h13Z" fill="#ffd667"/>
<path d="M40 27l4 9 9 .8-7 6.200 2.200 9.500L40 47.500l-8.200 5 2.200-9.500-7-6.200 9-.8Z" fill="url(#aa)"/>`)
}

/** A smiling heart: nothing won, thank you. */
function thanks(): string {
  return svg(`<defs><radialGradient id="th" cx=".35" cy=".25" r=".9"><stop offset="0" stop-color="#ffc7cf"/><stop offset=".6" stop-color="#f98a9a"/><stop offset="1" stop-color="#df5870"/></radialGradient></defs>
<path d="M40 71C20 57 8 45 8 30c0-18 22-24 32-8 10-16 32-10 32 8 0 15-12 27-32 41Z" fill="#8f1d33" opacity=".35" transform="translate(0 3)"/>
<path d="M40 71C20 57 8 45 8 30c0-18 22-24 32-8 10-16 32-10 32 8 0 15-12 27-32 41Z" fill="url(#th)"/>
<circle cx="30" cy="36" r="3.200" fill="#7c1830"/><circle cx="50" cy="36" r="3.200" fill="#7c1830"/><path d="M31 45q9 9 18 0" fill="none" stroke="#7c1830" stroke-width="3.200" stroke-linecap="round"/>
<path d="M16 25q3-8 11-9" fill="none" stroke="#fff" stroke-opacity=".9" stroke-width="4" stroke-linecap="round"/>`)
}

/** What stands for the prizes that found no place of their own. */
export function others(): string {
  return svg(`<defs><linearGradient id="ot" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#ff9a4d"/><stop offset="1" stop-color="#d8431a"/></linearGradient>${GOLD('oq')}</defs>
<rect x="13" y="17" width="54" height="54" rx="11" fill="#7c2105" opacity=".5"/><rect x="13" y="13" width="54" height="54" rx="11" fill="url(#ot)"/><rect x="13" y="13" width="54" height="54" rx="11" fill="none" stroke="url(#oq)" stroke-width="3"/>
<path d="M30 32a10 10 0 1 1 14 9q-4 2-4 7" fill="none" stroke="#fff3c4" stroke-width="6" stroke-linecap="round"/><circle cx="40" cy="58" r="3.800" fill="#fff3c4"/>`)
}

const ARTS: Record<Kind, () => string> = { points: coin, coupon, physical: goods, code, chance: again, none: thanks }

/** A drawing for a prize without a picture of its own. */
export function artOf(kind: Kind, value: number): string {
  return kind === 'points' && value >= 500 ? ingot() : (ARTS[kind] ?? others)()
}
