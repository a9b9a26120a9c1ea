const DEFS = (id: string): string => `<defs>
<radialGradient id="${id}b" cx=".38" cy=".25" r=".95"><stop offset="0" stop-color="#ff7a5c"/><stop offset=".45" stop-color="#e02438"/><stop offset="1" stop-color="#96081f"/></radialGradient>
<linearGradient id="${id}g" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#fff6cf"/><stop offset=".5" stop-color="#ffc93f"/><stop offset="1" stop-color="#d07c0a"/></linearGradient></defs>`

const BODY = (id: string): string =>
  `<path d="M42 94C8 120-2 206 44 212q56 8 112 0c46-6 36-92 2-118q-58 14-116 0Z" fill="url(#${id}b)"/>
<g fill="none" stroke="#ffd98a" stroke-opacity=".5" stroke-width="3" stroke-linecap="round"><path d="M32 196q0-20 20-20t20 18q0 11-11 11"/><path d="M168 196q0-20-20-20t-20 18q0 11 11 11"/><path d="M30 150q2-22 14-36M170 150q-2-22-14-36"/></g>
<circle cx="100" cy="156" r="37" fill="#6d0616" opacity=".35"/><circle cx="100" cy="152" r="36" fill="url(#${id}g)"/><circle cx="100" cy="152" r="29" fill="none" stroke="#b86504" stroke-width="2.400"/>
<path d="M88 140h24v24H88Z" fill="#b1131f" stroke="#b86504" stroke-width="2.400" stroke-linejoin="round"/><path d="M76 140a28 28 0 0 1 16-14" fill="none" stroke="#fff" stroke-opacity=".85" stroke-width="4" stroke-linecap="round"/>`

const svg = (inner: string): string => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 220">${inner}</svg>`

/** A lucky bag 福袋, tied, 200 x 220. */
export function bag(): string {
  return svg(`${DEFS('bt')}
<path d="M60 88C44 64 34 44 46 22q16 14 28 4 12-14 26-8 14-6 26 8 12 10 28-4c12 22 2 42-14 66-28 8-52 8-80 0Z" fill="url(#btb)"/>
<path d="M70 84q-8-28-4-48M100 88V26M130 84q8-28 4-48" fill="none" stroke="#7c0519" stroke-opacity=".5" stroke-width="3.500" stroke-linecap="round"/><path d="M46 22q16 14 28 4 12-14 26-8 14-6 26 8 12 10 28-4" fill="none" stroke="#ffd777" stroke-width="4" stroke-linejoin="round"/>
${BODY('bt')}<path d="M54 82q46 14 92 0v15q-46 14-92 0Z" fill="url(#btg)"/>
<path d="M100 96c-16-22-40-10-30 2 8 8 22 4 30-2Zm0 0c16-22 40-10 30 2-8 8-22 4-30-2Z" fill="url(#btg)" stroke="#b86504" stroke-width="1.600"/><circle cx="100" cy="95" r="8" fill="#e02438" stroke="#ffd777" stroke-width="3"/>`)
}

/** The same bag opened, with light coming out of it. */
export function openBag(): string {
  const beam = (id: string, paint: string): string =>
    `<linearGradient id="${id}" x1="0" y1="1" x2="0" y2="0"><stop offset="0" stop-color="${paint}" stop-opacity=".9"/><stop offset="1" stop-color="${paint}" stop-opacity="0"/></linearGradient>`
  return svg(`${DEFS('bo')}<defs>${beam('bl', '#ffe27a')}${beam('bm', '#fffbe6')}</defs><path d="M38 92L-10 0h220l-48 92Z" fill="url(#bl)"/><path d="M58 92L36 0h128l-22 92Z" fill="url(#bm)"/>
<ellipse cx="100" cy="92" rx="64" ry="19" fill="#7c0519"/><ellipse cx="100" cy="94" rx="54" ry="14" fill="#ffdf86"/>
${BODY('bo')}<path d="M36 92q-6 14 12 16 52 14 104 0 18-2 12-16-8 16-64 16T36 92Z" fill="url(#bog)"/>`)
}
