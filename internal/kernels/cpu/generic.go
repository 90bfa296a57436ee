package cpu

// transpose sets dst[c·ldd+r] = scale·src[r·lds+c].
func transpose(dst []float32, ldd int, src []float32, lds, rows, cols int, scale float32) {
	for r := range rows {
		for c, v := range src[r*lds : r*lds+cols] {
			dst[c*ldd+r] = v * scale
		}
	}
}
