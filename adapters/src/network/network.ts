/** What there is in a network namespace, and who tells when that changes: netns-napi, or a simulation of it. */
export type Network = Pick<typeof import('netns-napi'), 'devicesIn' | 'watchDevicesIn'>
