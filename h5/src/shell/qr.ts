import { encode } from 'uqr'

/** The modules of a QR code, row by row; true is dark. */
export function modules(text: string): boolean[][] {
  return encode(text, { ecc: 'M', border: 0 }).data
}

/** One SVG path of the dark modules in units of a module, and the side in modules. */
export function outline(text: string): { side: number; path: string } {
  const rows = modules(text)
  const path = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
  return { side: rows.length, path: path.join('') }
}
