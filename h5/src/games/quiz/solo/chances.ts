import { count } from '../../../shell/locale'
import type { Charge } from '../../../shell/wire'
import { t } from '../text'

/** Whether another attempt can begin, as far as the page knows; the server decides. */
export function mayBegin(charge: Charge | null, cost: number | null): boolean {
  return charge === null || charge.free === null || charge.free + (charge.extra ?? 0) > 0 || (cost ?? 0) > 0
}

/** How many attempts are left, or what the next one costs. */
export function chancesText(charge: Charge | null, cost: number | null): string {
  if (charge === null || charge.free === null) return ''
  const left = charge.free + (charge.extra ?? 0)
  if (left > 0) return t('chances.left', { n: count(left) })
  return cost ? t('chances.cost', { n: count(cost) }) : t('chances.none')
}
