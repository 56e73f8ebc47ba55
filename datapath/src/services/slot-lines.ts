import { layout } from '../layout.generated.js'

/** `WEIR_SLOTS`: slots in one entry of weir_slots. */
export const slotsPerLine = layout.maps.weir_slots.valueSize / 4
