import { PACKET_LOOKS, packet } from '../../shell/art/packet'
import { picture } from '../../shell/picture'
import { bomb } from './bomb'

export const PACKET_RATIO = 160 / 120
export const BOMB_RATIO = 160 / 144

let loading: Promise<HTMLImageElement[]> | null = null

/** The drawings of all drops, decoded once for the page. */
export function drawings(): Promise<HTMLImageElement[]> {
  const all = (): string[] => [...Array.from({ length: PACKET_LOOKS }, (_, look) => packet(look)), bomb()]
  loading ??= Promise.all(all().map(picture))
  return loading
}

/** The drops' drawings, once rastered at the size in which they fall. */
export class Sprites {
  private sources: HTMLImageElement[] = []
  private rastered: HTMLCanvasElement[] = []

  async load(): Promise<void> {
    this.sources = await drawings()
  }

  get ready(): boolean {
    return this.sources.length > 0
  }

  /** Rasters for drops of this width in canvas pixels. */
  raster(width: number): void {
    this.rastered = this.sources.map((source, index) => {
      const canvas = document.createElement('canvas')
      canvas.width = Math.ceil(width)
      canvas.height = Math.ceil(width * (index === PACKET_LOOKS ? BOMB_RATIO : PACKET_RATIO))
      canvas.getContext('2d')?.drawImage(source, 0, 0, canvas.width, canvas.height)
      return canvas
    })
  }

  packet(look: number): HTMLCanvasElement | undefined {
    return this.rastered[look % PACKET_LOOKS]
  }

  get bomb(): HTMLCanvasElement | undefined {
    return this.rastered[PACKET_LOOKS]
  }
}
