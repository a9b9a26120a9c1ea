import { expect, test } from 'vitest'
import { titleSize } from './title'

test('a title is as large as its line allows, and takes two before it is hard to read', () => {
  expect(titleSize('会员日')).toBe(5)
  const long = titleSize('会员感恩盛典暨周年庆抽奖')
  expect(long).toBeLessThan(5)
  expect(long * 12 * 1.08).toBeLessThan(60.01)
  const two = titleSize('二〇二六年度会员感恩盛典暨周年庆幸运大抽奖现场')
  expect(two * 24 * 1.08).toBeLessThanOrEqual(120)
  expect(titleSize('字'.repeat(60)) * 60 * 1.08).toBeLessThanOrEqual(120)
  expect(titleSize('Members')).toBeGreaterThan(titleSize("Members' day grand prize draw"))
})
