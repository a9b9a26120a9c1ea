import { shades } from '../../shell/colour'
import { background, brushOf, canvas, code, fitted, FONT, WIDTH } from '../../shell/posterParts'
import type { Skin } from '../../shell/wire'

/** A contestant's poster: picture, number, name, what they say, and the code that opens their page. */
export interface ContestantLines {
  title: string
  organiser: string
  call: string
  scan: string
  number: string
  name: string
  text: string
}

const FRAME = { x: 115, y: 138, w: 520, h: 520 }

export async function contestantPoster(lines: ContestantLines, url: string, skin: Skin, cover: string | null): Promise<string> {
  const photo = cover ? await image(cover).catch(() => null) : null // without it the poster has a letter
  const sheet = canvas()
  const brush = brushOf(sheet)
  const shade = shades(skin.accent)
  background(brush, shade, 400)
  portrait(brush, photo, lines.name, shade)
  words(brush, lines)
  code(brush, url, 74, 870, 210)
  return sheet.toDataURL('image/png')
}

function image(src: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const loading = new Image()
    loading.crossOrigin = 'anonymous' // a picture that may not be read would spoil the canvas
    loading.onload = () => resolve(loading)
    loading.onerror = () => reject(new Error('the picture cannot be read'))
    loading.src = src
  })
}

function portrait(brush: CanvasRenderingContext2D, photo: HTMLImageElement | null, name: string, shade: Record<string, string>): void {
  const { x, y, w, h } = FRAME
  brush.fillStyle = '#f0b64c'
  brush.fillRect(x - 10, y - 10, w + 20, h + 20)
  if (photo) {
    const part = Math.min(photo.width / w, photo.height / h)
    brush.drawImage(photo, (photo.width - w * part) / 2, (photo.height - h * part) / 2, w * part, h * part, x, y, w, h)
    return
  }
  brush.fillStyle = shade['--accent-night']!
  brush.fillRect(x, y, w, h)
  brush.textAlign = 'center'
  brush.fillStyle = '#ffdf86'
  brush.font = `800 260px ${FONT}`
  brush.fillText([...name][0] ?? '', x + w / 2, y + h / 2)
}

function words(brush: CanvasRenderingContext2D, { title, organiser, call, scan, number, name, text }: ContestantLines): void {
  const middle = WIDTH / 2
  brush.fillStyle = '#ffdf86'
  fitted(brush, title, middle, 82, { size: 46, weight: 800, most: 640 })
  brush.fillStyle = '#ffd678'
  brush.fillRect(FRAME.x, FRAME.y, 150, 56)
  brush.fillStyle = '#74101a'
  fitted(brush, number, FRAME.x + 75, FRAME.y + 29, { size: 32, weight: 800, most: 136 })
  brush.fillStyle = '#fff3dc'
  fitted(brush, name, middle, 724, { size: 60, weight: 800, most: 640 })
  if (text) cut(brush, text.split('\n')[0]!, middle, 788, 620)
  const beside = { most: 380, align: 'left' } as const
  brush.fillStyle = '#ffdf86'
  fitted(brush, call, 320, 922, { size: 44, weight: 800, ...beside })
  brush.fillStyle = '#fff3dc'
  fitted(brush, scan, 320, 986, { size: 28, weight: 500, ...beside })
  if (organiser) fitted(brush, organiser, 320, 1038, { size: 22, weight: 400, ...beside })
}

/** One line, shortened where it would not fit. */
function cut(brush: CanvasRenderingContext2D, text: string, x: number, y: number, most: number): void {
  brush.font = `400 28px ${FONT}`
  const signs = [...text]
  while (signs.length > 1 && brush.measureText(`${signs.join('')}…`).width > most) signs.pop()
  const shown = signs.length < [...text].length ? `${signs.join('')}…` : text
  fitted(brush, shown, x, y, { size: 28, weight: 400, most })
}
