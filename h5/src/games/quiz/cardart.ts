/** The lobby's picture: a question board with its four answers. */
export function board(): string {
  const tile = (x: number, y: number, fill: string, mark: string): string =>
    `<rect x="${x}" y="${y}" width="84" height="38" rx="11" fill="${fill}" stroke="#ffe2a0" stroke-width="3"/><g transform="translate(${x + 42} ${y + 19})" fill="#fff">${mark}</g>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 260" width="240" height="260"><defs>
<linearGradient id="qb" x1="0" y1="0" x2=".2" y2="1"><stop offset="0" stop-color="#fffdf4"/><stop offset="1" stop-color="#ffe0a3"/></linearGradient>
<linearGradient id="qc" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#f03a45"/><stop offset="1" stop-color="#9a0d20"/></linearGradient></defs>
<rect x="22" y="14" width="196" height="232" rx="24" fill="#b90c26" stroke="#ffd777" stroke-width="6"/>
<rect x="34" y="26" width="172" height="112" rx="16" fill="url(#qb)"/><rect x="42" y="34" width="156" height="96" rx="11" fill="none" stroke="#e0a94a" stroke-width="2.500"/>
<g transform="translate(120 74)" fill="url(#qc)" stroke="url(#qc)"><path d="M-19-16a19 19 0 1 1 31 15Q0 8 0 18" fill="none" stroke-width="11" stroke-linecap="round"/><circle cy="37" r="7" stroke="none"/></g>
${tile(34, 150, '#1c5cb8', '<path d="M0-10L11 9H-11Z"/>')}${tile(122, 150, '#a3470a', '<path d="M0-12L12 0 0 12-12 0Z"/>')}${tile(34, 196, '#6b35a8', '<circle r="10"/>')}${tile(122, 196, '#136e45', '<path d="M-9-9H9V9H-9Z"/>')}</svg>`
}
