import { EbpfError } from 'ebpf-napi'

/** The EbpfError that a call throws; fails when it throws none or another one. */
export function failureOf(call: () => unknown): EbpfError {
  try {
    call()
  } catch (error) {
    if (error instanceof EbpfError) {
      return error
    }
    throw error
  }
  throw new Error('nothing was thrown')
}
