import type { Ground } from './ground.js'
export function createMemoryGround(): Ground {
  throw new Error()
}
