import { expect } from 'chai'
import { balanced, clientAddresses, families, of, sites } from './north-network.js'
import { nodePorts, NorthStage, servicePort } from './north-stage.js'
import { requireKernel } from './stage.js'

const [first] = sites
const narrow = 1300
const bytes = 200_000

for (const [name, options] of [
  ['by the node they called, in XDP', { xdp: 'native' }],
  ['by the node they called, in traffic control', { xdp: 'off' }],
  ['straight', { xdp: 'native', lbMode: 'dsr' }],
] as const)
  describe(`large packets of clients outside, answered ${name} (needs root and eBPF)`, function () {
    this.timeout(90_000)
    let stage: NorthStage
    const isStraight = 'lbMode' in options

    before(async function () {
      await requireKernel(this)
      stage = await NorthStage.create(`nl${options.xdp[0]}${isStraight ? 'd' : 's'}${process.pid}`, options)
    })
    after(() => stage?.close())

    const seen = (family: 4 | 6): string => (isStraight ? of(clientAddresses, family) : of(first.node, family))

    for (const family of families) {
      it(`IPv${family}: come in pieces, and are answered in pieces, here and from the other node`, async () => {
        for (const [to, port] of [
          [of(first.node, family), nodePorts.web],
          [of(balanced, family), servicePort],
        ] as const) {
          // What has to tell where it was sent to has less room: the client hears of that by its first packets.
          if (isStraight)
            await Promise.all(
              Array.from({ length: 24 }, () => stage.ask('UDP', to, port, { bytes: 4000, timeoutMs: 2000 })),
            )
          const said = await Promise.all(
            Array.from({ length: 24 }, () => stage.ask('UDP', to, port, { bytes: 4000, timeoutMs: 4000 })),
          )
          expect(new Set(said), to).to.have.all.keys(`n1 ${of(clientAddresses, family)}`, `n2 ${seen(family)}`)
        }
      })

      for (const [where, link] of [
        // Who is answered straight isn't told: a router's word is of an address that he knows nothing of.
        ...(isStraight ? [] : ([['on the way to the backend', 'n2']] as const)),
        ['on the way back to the client', undefined],
      ] as const)
        it(`IPv${family}: are as large as a narrow link ${where} takes, once its router has said so`, async () => {
          await stage.setMtu(link, narrow)
          try {
            expect(await stage.count(of(balanced, family), bytes)).to.equal(`${bytes} ${seen(family)}`)
          } finally {
            await stage.setMtu(link, 1500)
          }
        })
    }
  })
