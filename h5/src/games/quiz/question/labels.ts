import type { Asked } from '../events'
import { t } from '../text'

/** The words on the tiles; those of true and false are the page's own. */
export function labels(asked: Asked): string[] {
  return asked.kind === 'true_false' ? [t('option.true'), t('option.false')] : asked.options
}
