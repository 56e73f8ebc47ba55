import { assembleManifests } from './assemble.js'
import { readManifestText, refusedFile } from './file.js'
import { manifestLimits } from './limits.js'
import type { ManifestSet } from './set.js'

/** What a stream of manifests is called where files have a path. */
const streamName = 'stdin'

/** A stream of manifests, and its text for whoever looks for lines in it. */
export interface StreamedManifests {
  readonly set: ManifestSet
  readonly text: string
}

/** Reads manifests to the end of a stream. What can't be read is among the refusals. */
export async function readManifestStream(input: AsyncIterable<Uint8Array | string>): Promise<StreamedManifests> {
  const { fileSizeBytes } = manifestLimits
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk as Uint8Array))
    sizeBytes += chunks.at(-1)!.length
    if (sizeBytes > fileSizeBytes) break
  }
  const text = textOf(chunks)
  const reading =
    sizeBytes > fileSizeBytes
      ? refusedFile(
          streamName,
          'WEIR_MANIFEST_TOO_LARGE',
          `the input has more than ${fileSizeBytes} bytes`,
          `at most ${fileSizeBytes} bytes`,
        )
      : text === undefined
        ? refusedFile(streamName, 'WEIR_MANIFEST_NOT_UTF8', 'the input is not UTF-8 text', 'UTF-8 text')
        : readManifestText(streamName, text, manifestLimits)
  return { set: assembleManifests(streamName, [{ reading, kept: [], unknown: false }]), text: text ?? '' }
}

function textOf(chunks: readonly Buffer[]): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    return undefined
  }
}
