/** Puts a text on the clipboard; `shown` holds it, and is marked where the old way is all there is. */
export async function copied(text: string, shown: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copiedByMarking(shown)
  }
}

// pages that are not served over TLS, and old web views
function copiedByMarking(shown: HTMLElement): boolean {
  const marks = getSelection()
  if (!marks) return false
  const range = document.createRange()
  range.selectNodeContents(shown)
  marks.removeAllRanges()
  marks.addRange(range)
  try {
    return document.execCommand('copy')
  } catch {
    return false
  }
}
