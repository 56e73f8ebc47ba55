import { hashText } from '@weir/core/service/maglev-hash.js'
import { defaultMaglevSize, maglevSizes } from '@weir/core/service/maglev.js'
import type { TableOptions } from '@weir/datapath/services/table-builds.js'
import { InvalidArgumentError, Option } from 'commander'

export interface MaglevOptions {
  readonly maglevTableSize: number
  readonly maglevHashSeed?: number
}

export const maglevTables = ({ maglevTableSize, maglevHashSeed = 0 }: MaglevOptions): TableOptions => ({
  size: maglevTableSize,
  seed: maglevHashSeed,
})

export const tableSizeOption = (): Option =>
  new Option(
    '--maglev-table-size <slots>',
    `most slots of a service's Maglev table, the same on every node: ${maglevSizes.join(', ')}`,
  )
    .argParser(withTableSize)
    .default(defaultMaglevSize)

export const hashSeedOption = (): Option =>
  new Option(
    '--maglev-hash-seed <seed>',
    'seed of the Maglev tables, the same on every node: 12 bytes in base64',
  ).argParser(withHashSeed)

function withTableSize(text: string): number {
  const size = maglevSizes.find(each => String(each) === text)
  if (size === undefined) throw new InvalidArgumentError(`One of ${maglevSizes.join(', ')} is expected.`)
  return size
}

function withHashSeed(text: string): number {
  if (!/^[A-Za-z0-9+/]{16}$/.test(text))
    throw new InvalidArgumentError('12 bytes in base64 are expected, as `head -c12 /dev/urandom | base64` makes them.')
  return hashText(text, 0)
}
