import { translator } from '../../shell/locale'
import { en as shellEn } from '../../shell/messages/en'
import { zh as shellZh } from '../../shell/messages/zh-CN'
import { en } from './messages/en'
import { zh } from './messages/zh-CN'

/** The sheets' own texts, which come with them, beside the shell's. */
export const t = translator({ ...shellZh, ...zh }, { ...shellEn, ...en })
