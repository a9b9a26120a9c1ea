/** One of our drawings as an image that a canvas can draw. */
export function picture(svg: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image()
    image.onload = () => resolve(image)
    image.onerror = () => reject(new Error('the drawing is not valid SVG'))
    image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`
  })
}
