/** The lobby's picture: a ballot box with a paper heart going in. */
export function ballotBox(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 260" width="240" height="260"><defs>
<linearGradient id="vb" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#ef3b45"/><stop offset="1" stop-color="#960c1e"/></linearGradient>
<linearGradient id="vp" x1="0" y1="0" x2=".3" y2="1"><stop offset="0" stop-color="#fffdf4"/><stop offset="1" stop-color="#ffe3ab"/></linearGradient></defs>
<g transform="rotate(-7 120 84)"><rect x="70" y="14" width="100" height="128" rx="10" fill="url(#vp)" stroke="#e3ab4a" stroke-width="3"/><path d="M120 98c-26-18-35-31-35-44a18 18 0 0 1 35-7 18 18 0 0 1 35 7c0 13-9 26-35 44Z" fill="#d8213a"/></g>
<path d="M22 120h196l-16 122q-1 8-9 8H47q-8 0-9-8Z" fill="url(#vb)" stroke="#ffd777" stroke-width="5"/><rect x="14" y="106" width="212" height="34" rx="12" fill="#b90c26" stroke="#ffd777" stroke-width="5"/><rect x="58" y="117" width="124" height="11" rx="5.500" fill="#4d0410"/>
<path d="M120 160l11.500 23 25.500 3.800-18.500 18 4.400 25.300-22.900-12-22.900 12 4.400-25.300-18.500-18 25.500-3.800Z" fill="#ffd45e" stroke="#b8740c" stroke-width="2.500"/></svg>`
}
