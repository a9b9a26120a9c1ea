/** A bomb: round, dark and cross, so that shape and colour both tell it from a packet. */
export function bomb(): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 0 144 160" width="144" height="160"><defs>
<radialGradient id="bm" cx=".36" cy=".3" r=".85"><stop offset="0" stop-color="#7f8bb0"/><stop offset=".4" stop-color="#343b57"/><stop offset="1" stop-color="#0d1020"/></radialGradient></defs>
<path d="M84 50q8-26 30-24" fill="none" stroke="#e7d3a8" stroke-width="6" stroke-linecap="round"/>
<path d="M114 4l4 13 13-4-8 11 8 10-13-3-4 13-5-13-12 4 8-11-9-10 13 3Z" fill="#ffd23c" stroke="#ff7a1a" stroke-width="3" stroke-linejoin="round"/>
<rect x="68" y="46" width="28" height="18" rx="5" transform="rotate(24 82 55)" fill="#4a5273"/>
<circle cx="62" cy="100" r="54" fill="url(#bm)" stroke="#c9d4ff" stroke-opacity=".85" stroke-width="3"/>
<path d="M26 82q8-22 28-28" fill="none" stroke="#fff" stroke-opacity=".6" stroke-width="7" stroke-linecap="round"/>
<path d="M36 88l18 9M88 88l-18 9" stroke="#fff" stroke-width="6" stroke-linecap="round"/>
<circle cx="46" cy="105" r="7" fill="#fff"/><circle cx="78" cy="105" r="7" fill="#fff"/><circle cx="47" cy="106" r="3.2" fill="#e02020"/><circle cx="77" cy="106" r="3.2" fill="#e02020"/>
<path d="M42 130q20-16 40 0" fill="none" stroke="#fff" stroke-width="6" stroke-linecap="round"/></svg>`
}
