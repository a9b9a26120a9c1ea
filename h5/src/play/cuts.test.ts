import { expect, test } from 'vitest'
import { en } from '../shell/messages/en'
import { zh } from '../shell/messages/zh-CN'
import type { Cut } from '../shell/wire'
import { Cuts } from './cuts'

const settled = (...cut: Cut[]) => ({ ev: 'settled' as const, refs: [], units: [], ...(cut.length ? { cut } : {}) })
const texts = (lang: typeof zh | typeof en, cuts: Cuts): string[] =>
  cuts.told.value.map(({ credited, granted, why }) =>
    (lang as typeof zh)['cut.told'].replace('{part}', `${credited}`).replace('{n}', `${granted}`).replace('{why}', lang[why]),
  )

test('what a cap cut is told in both languages', () => {
  const cuts = new Cuts()
  cuts.heard(settled(['packet', 7, 12, 20, 'daily_cap']))
  expect(texts(zh, cuts)).toEqual(['20 积分中入账 12：已达今日上限'])
  expect(texts(en, cuts)).toEqual(['12 of 20 points credited: daily cap'])
})

test.each([
  ['monthly_cap', '已达本月上限'],
  ['yearly_cap', '已达今年上限'],
  ['budget_exhausted', '活动积分已发完'],
  ['something_new', '其余未能入账'],
])('%s has its words', (reason, words) => {
  const cuts = new Cuts()
  cuts.heard(settled(['packet', 7, 0, 20, reason]))
  expect(texts(zh, cuts)).toEqual([`20 积分中入账 0：${words}`])
})

test('wins of one reason are told together, others beside them', () => {
  const cuts = new Cuts()
  cuts.heard(settled(['packet', 1, 12, 20, 'daily_cap'], ['packet', 2, 0, 20, 'daily_cap'], ['gift', 1, 1, 9, 'monthly_cap']))
  expect(texts(zh, cuts)).toEqual(['40 积分中入账 12：已达今日上限', '9 积分中入账 1：已达本月上限'])
})

test('a win is told once, and one that was credited whole not at all', () => {
  const cuts = new Cuts()
  cuts.heard(settled())
  expect(cuts.told.value).toEqual([])
  cuts.heard(settled(['packet', 7, 12, 20, 'daily_cap']))
  const told = cuts.told.value
  cuts.heard(settled(['packet', 7, 12, 20, 'daily_cap']))
  cuts.heard(settled())
  expect(cuts.told.value).toBe(told)
})
