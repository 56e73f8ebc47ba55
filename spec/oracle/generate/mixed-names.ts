/* The vocabulary of what only some dialects know. */

export const cidrGroupNames = ['g', 'h'] as const
export const serviceNames = ['s', 't', 'kubernetes'] as const
export const sliceNames = ['s-1', 's-2', 't-1', 'kubernetes'] as const
export const dnsNames = ['example.com', 'a.example.com', 'b.example.com', 'x.a.example.com', 'other.org'] as const
export const dnsPatterns = [
  '*',
  '*.example.com',
  '**.example.com',
  'a*.example.com',
  '*.a.*',
  '*.org',
  '*a*.example.com',
] as const
export const domainNames = ['example.com', 'a.example.com', '*.example.com', 'other.org', '*.a.example.com'] as const

/** Where the clocks of random histories begin, in milliseconds since the epoch. */
export const dawnMs = 1_700_000_000_000
