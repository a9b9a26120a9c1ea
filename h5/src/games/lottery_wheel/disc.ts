import { picture } from '../../shell/picture'
import type { Face } from './faces'
import { fitted } from './wrap'

const PAPERS = ['#fffaf0', '#ffdcae'] as const
const THIRD = '#ffc38f' // beside the first sector when their number is odd
const INK = '#9c1020'
const FONT = 'system-ui, -apple-system, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif'
const MOST_PX = 0.105 // of the radius
const LEAST_PX = 0.076
const ROWS = 3 // between the rim and the picture

/** Pictures of the faces; where one's own cannot be loaded, our drawing. */
export async function pictures(faces: Face[]): Promise<HTMLImageElement[]> {
  return Promise.all(faces.map(({ image, art }) => (image ? loaded(image).catch(() => picture(art)) : picture(art))))
}

function loaded(src: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image()
    image.onload = () => resolve(image)
    image.onerror = () => reject(new Error('the picture cannot be loaded'))
    image.src = src
  })
}

/** Paints the disc, sector 0 centred at the top, the others clockwise; `size` in canvas pixels. */
export function paintDisc(canvas: HTMLCanvasElement, size: number, faces: Face[], images: HTMLImageElement[]): void {
  canvas.width = canvas.height = size
  const brush = canvas.getContext('2d')
  if (!brush) return
  const radius = size / 2
  brush.translate(radius, radius)
  faces.forEach((face, i) => {
    brush.save()
    brush.rotate((i * 2 * Math.PI) / faces.length)
    sector(brush, radius, faces.length, i)
    label(brush, radius, faces.length, face)
    if (images[i]) icon(brush, radius, faces.length, images[i])
    brush.restore()
  })
}

function sector(brush: CanvasRenderingContext2D, radius: number, all: number, index: number): void {
  const half = Math.PI / all
  const odd = all % 2 === 1 && index === all - 1
  const glow = brush.createRadialGradient(0, 0, radius * 0.15, 0, 0, radius)
  glow.addColorStop(0, '#fff')
  glow.addColorStop(1, odd ? THIRD : PAPERS[index % 2]!)
  brush.beginPath()
  brush.moveTo(0, 0)
  brush.arc(0, 0, radius, -Math.PI / 2 - half, -Math.PI / 2 + half)
  brush.closePath()
  brush.fillStyle = glow
  brush.fill()
  brush.strokeStyle = '#eaa53a'
  brush.lineWidth = Math.max(1, radius * 0.008)
  brush.stroke()
}

/** The width of a sector at a part of the radius, a little less than the chord there. */
export function room(all: number, at: number): number {
  return Math.min(0.86, 2 * at * Math.sin(Math.min(Math.PI / 2, Math.PI / all)) * 0.9)
}

function label(brush: CanvasRenderingContext2D, radius: number, all: number, { name, kind }: Face): void {
  brush.fillStyle = kind === 'none' ? '#7a4a3c' : INK
  brush.textAlign = 'center'
  brush.textBaseline = 'middle'
  const font = (size: number): string => `800 ${size}px ${FONT}`
  const measure = (line: string, size: number): number => {
    brush.font = font(size)
    return brush.measureText(line).width
  }
  const { lines, px } = fitted(name, room(all, 0.76) * radius, MOST_PX * radius, LEAST_PX * radius, measure, ROWS)
  brush.font = font(px)
  lines.forEach((line, i) => brush.fillText(line, 0, -radius * (lines.length > 1 ? 0.88 : 0.83) + i * px * 1.18))
}

function icon(brush: CanvasRenderingContext2D, radius: number, all: number, image: HTMLImageElement): void {
  const box = radius * Math.min(0.27, room(all, 0.5) * 0.94)
  const scale = Math.min(box / (image.naturalWidth || 1), box / (image.naturalHeight || 1))
  const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale]
  brush.drawImage(image, -width / 2, -radius * 0.52 - height / 2, width, height)
}
