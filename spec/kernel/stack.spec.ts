import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { objectPath } from './packets/machine.js'
import { stackDepths } from './packets/stack-depth.js'

const mostBytes = 512

describe(`the stack of programs${existsSync(objectPath) ? '' : ' (not built: no clang)'}`, () => {
  it('holds the longest chain of calls, on kernels that round every frame up too', function () {
    if (!existsSync(objectPath)) return this.skip()
    const depths = stackDepths(objectPath)
    expect([...depths.keys()]).to.include.members(['weir_from_overlay', 'weir_to_device', 'weir_xdp', 'weir_connect4'])
    // Programs that share a parser of four frames: a tool that loses sight of calls would find less.
    expect(depths.get('weir_from_endpoint')?.chain.length).to.be.greaterThan(3)
    const tooDeep = [...depths].filter(([, { bytes }]) => bytes > mostBytes)
    expect(tooDeep.map(([name, { bytes, chain }]) => `${name}: ${bytes}, by ${chain.join(' > ')}`)).to.deep.equal([])
  })
})
