package data

// Plots about things: lost, broken, stuck, shared.

func lostToy(t *teller) {
	t.protagonist()
	t.bring("toy", t.toy())
	t.say("{hero} had {toy.a} that {hero.he} loved very much.",
		"{elder} gave {hero.him} {toy.a}. {toy.it} {toy.was} new.")
	place := t.below(4)
	t.bound["place"] = []string{"the park", "the beach", "the market", "the wood"}[place]
	t.bound["at"] = []string{"in", "at", "at", "in"}[place]
	t.say("{day} {hero} went to {place} and took the {toy} along.", "{day} {hero} played {at} {place} with the {toy}.")
	t.say("[on the way home|when it was time to go|in the evening] {hero} looked for the {toy}, but {toy.it} " +
		"{toy.was} gone.")
	t.say("{hero} {hero.was} "+sad+" and began to cry.", "{hero} {hero.was} "+sad+".")
	t.pause()
	t.companion()
	t.say(`"what is wrong?" asked {friend}. "{hero.my} {toy} {toy.is} lost," said {hero}. "can you help {hero.me}?"`,
		`{friend} came by and asked, "Why are you crying?" "{hero.I} can't find {hero.my} {toy}," said {hero}.`)
	t.bound["wrong"] = []string{"under the bench", "behind the big stone", "next to the cart",
		"under the leaves"}[place]
	t.bound["right"] = []string{"on the swing", "in the sand", "behind the apples", "beside a tall tree"}[place]
	t.say("they went back to {place} together. They looked {wrong}, but the {toy} {toy.was} not there.",
		"so they looked {wrong}. nothing was there.")
	t.say("then {friend} looked {right}, and there {toy.it} {toy.was}!", "at last they found the {toy} {right}.")
	t.pause()
	t.say(`{hero} {hero.was} `+glad+`. "thank you, {friend}!" said {hero}.`, "{hero} thanked {friend} and {hero.was} "+
		glad+" again.")
	t.say("now {hero} always look{hero.s} after the {toy}.", "now {hero} {hero.has} a new friend.",
		"then they all played with the {toy} until it was dark.")
}

func brokenToy(t *teller) {
	t.single()
	t.bring("toy", []thing{{"toy train", false}, {"toy boat", false}, {"kite", false}, {"drum", false}, {"cart", false},
		{"skates", true}, {"stilts", true}}[t.below(7)])
	t.say("{hero} had {toy.a}.", "{elder} had made {toy.a} for {hero}.")
	t.say(`{elder} said, "Be careful with the {toy}."`, `"please be careful with {toy.them}," said {elder}.`)
	if t.chance(4) {
		t.say("{hero} {hero.was} careful, so the {toy} did not break.", "{hero} listened and {hero.was} very careful.")
		t.say("every day {hero} played with the {toy}, and in the evening {hero.he} put {toy.them} in a box.")
		t.say(`{elder} {elder.was} `+proud+` of {hero}.`,
			`"you take good care of {toy.them}," said {elder}, and {hero} {hero.was} `+proud+`.`)
		return
	}
	t.say("but {hero} did not listen. {day} {hero.he} [ran too fast|jumped too high|played too roughly], and the "+
		"{toy} broke.",
		"but {day} {hero} dropped the {toy} on a stone, so {toy.it} broke.")
	t.pause()
	t.say("{hero} {hero.was} "+sad+" because the {toy} {toy.was} broken.", "{hero} looked at the {toy} and cried.")
	t.say(`{hero} went to {elder} and said, "I am sorry. I was not careful."`,
		`"I am sorry," {hero} told {elder}. "the {toy} {toy.is} broken."`)
	t.bring("tool", []thing{{"glue", false}, {"hammer", false}, {"nails", true}, {"string", false}}[t.below(4)])
	t.say("{elder} got the {tool} and together they mended the {toy}.",
		`"do not cry," said {elder}. "we can mend {toy.them}." {elder.he} took the {tool} and went to work.`)
	t.pause()
	t.say("soon the {toy} {toy.was} as good as new.", "in the evening the {toy} {toy.was} whole again.")
	t.say("{hero} {hero.was} "+glad+" and never [ran|played] so wildly again.",
		"now {hero} knew that it is good to be careful.",
		"{hero} hugged {elder} and promised to be careful.")
}

func kiteInTree(t *teller) {
	t.protagonist()
	t.set("color", "red", "blue", "yellow", "green")
	t.say("{hero} had a {color} kite.", "{elder} made a {color} kite for {hero}.")
	if t.chance(4) {
		t.say("{day} {hero} wanted to fly it, but there was no wind, so the kite stayed on the ground.")
		t.say(`"we have to wait," said {elder}. {hero} waited and waited.`,
			"{hero} sat in the grass and waited for the wind.")
		t.say("at last the wind came, and the {color} kite went up into the sky.",
			"after lunch the wind began to blow, and the kite rose higher and higher.")
		t.say("{hero} {hero.was} "+glad+" because waiting had been worth it.",
			"{hero} laughed and held the string tight.")
		return
	}
	t.say("{day} the wind was strong, so {hero} went to the hill to fly the kite.",
		"{day} the wind blew, and {hero} ran to the hill with the kite.")
	t.say("the kite flew high, but then the wind blew too hard and it got stuck in a [tall|big|high] tree.",
		"then the string broke, and the {color} kite fell into a [tall|big|high] tree.")
	t.pause()
	t.say("{hero} jumped and jumped, but the tree was too high.", "{hero} {hero.was} too small to reach it.")
	switch t.below(3) {
	case 0:
		t.say("a [brown|black] bird saw this and felt sorry for {hero.him}. it flew up and pulled the kite out of " +
			"the branches.")
		t.say(`"thank you, bird!" said {hero}. {hero.he} gave the bird some bread because it had helped {hero.him}.`)
	case 1:
		t.say("then {elder} came with a long ladder, climbed up and got the kite down.",
			"{hero} ran home and called {elder}. {elder.he} brought a ladder and got the kite down.")
		t.say(`"thank you!" said {hero}. "you are so [tall|brave|kind]!"`,
			`"next time we will fly it far from the trees," said {elder}.`)
	default:
		t.companion()
		t.say(`"stand on my back," said {friend}. so {hero} climbed up and took hold of the kite.`,
			"{friend} came with a long stick, and together they got the kite down.")
		t.say(`"alone {hero.I} could not do it," said {hero}. "together it was easy."`,
			"{hero} let {friend} fly the kite, too.")
	}
	t.pause()
	t.say("after that {hero} always flew the kite far away from the trees.",
		"then the {color} kite was in the sky again, and {hero} {hero.was} "+glad+".")
}

func sharing(t *teller) {
	girl, boy := t.girl(), t.boy()
	a, b := girl, boy
	if t.chance(2) {
		a, b = boy, girl
	}
	t.cast("hero", a)
	t.cast("friend", b)
	t.family()
	t.bring("toy", t.toy())
	t.someDay()
	t.say("{day} {hero} and {friend} were playing in the [garden|park|yard].",
		"{hero} and {friend} were neighbors. {day} they played together.")
	t.say("{hero} had {toy.a}, and {friend} wanted {toy.them}, too.",
		"they found {toy.a}, and both of them wanted {toy.them}.")
	t.say(`"{toy.it} {toy.is} mine!" said {hero}. "no, mine!" said {friend}.`,
		`"give me the {toy}!" said {friend}. "no!" said {hero}.`)
	t.say("they pulled and pulled until {friend} fell down and hurt {friend.his} [knee|hand|arm].",
		"because they shouted so loudly, {elder} came out of the house.")
	t.pause()
	t.say("{hero} {hero.was} sorry. {hero.he} did not want {friend} to be sad.",
		"now nobody was happy. {hero} and {friend} were both "+sad+".")
	t.say(`"let us take turns," said {hero}. "first you, then me."`,
		`"we can share," said {friend}. "then we both have {toy.them}."`,
		`{hero} gave {friend} the {toy} and said, "You may go first."`)
	t.say("so they shared the {toy}, and {toy.it} {toy.was} more fun than before.",
		"so they took turns, and nobody was "+angry+" any more.")
	t.pause()
	t.say("when {elder} saw this, {elder.he} gave them [an apple|a cake|some nuts] to share, too.",
		"in the end they laughed and were friends again.", "it is better to share than to fight.")
}

func brokenVase(t *teller) {
	t.single()
	t.bring("dish", []thing{{"vase", false}, {"blue plate", false}, {"lamp", false}, {"window", false}, {"cups", true},
		{"glasses", true}}[t.below(6)])
	t.say(`{elder} always said, "Do not play ball in the house."`,
		"{hero} liked to play ball, but in the house it was not allowed.")
	t.say("{day} it was raining outside, so {hero} played ball in the kitchen.",
		"{day} {hero} forgot this and threw the ball in the kitchen.")
	t.say("the ball hit the {dish}. crash! the {dish} {dish.was} broken.",
		"the ball flew too far and broke the {dish}.")
	t.pause()
	if t.chance(3) {
		t.say(`{hero} {hero.was} afraid and hid under the bed. when {elder} asked, {hero} said, "It was the cat."`)
		t.say("but the cat was asleep in the garden, so {elder} knew that it was not true.",
			"{elder} looked at {hero.him} for a long time, and {hero} could not sleep that night.")
		t.say(`in the morning {hero} said, "It was me. I am sorry."`, `then {hero} began to cry and told the truth.`)
		t.say(`"I am glad that you told me," said {elder}. "a broken {dish} can be bought again, but trust is hard `+
			`to mend."`, `{elder} said, "I was sad because you did not tell the truth."`)
	} else {
		t.say("{hero} {hero.was} afraid, but {hero.he} wanted to tell the truth.",
			"at first {hero} wanted to hide, but that did not feel right.")
		t.say(`"I broke the {dish}," {hero} said to {elder}. "I am sorry."`)
		t.say(`"thank you for telling the truth," said {elder}. {elder.he} {elder.was} not `+angry+`.`,
			`{elder} {elder.was} sad about the {dish} but `+proud+` of {hero}, because {hero.he} did not lie.`)
	}
	t.pause()
	t.say("they swept the floor together.", "then {hero} helped to clean the floor.")
	t.say("after that {hero} played ball only in the garden.", "from then on {hero} always told the truth.")
}

func market(t *teller) {
	t.single()
	t.bring("ware", []thing{{"eggs", true}, {"apples", true}, {"flowers", true}, {"honey", false},
		{"cheese", false}}[t.below(5)])
	t.bring("wish", []thing{{"hat", false}, {"book", false}, {"boots", true}, {"flute", false}, {"ribbons", true},
		{"orange scarf", false}}[t.below(6)])
	t.say("{day} {elder} sent {hero} to the market to sell the {ware}.",
		"{hero} wanted to buy {wish.a}, so {hero.he} took the {ware} to the market.")
	t.say("the basket was heavy and the road was long, but {hero} did not give up.",
		"{hero} walked over the bridge and through the fields.")
	if t.chance(2) {
		t.say("on the way {hero} met an old woman who was hungry because she had [no money|nothing to eat].")
		t.say("{hero} gave her some of the {ware}.", `"here, take some of the {ware}," said {hero}.`)
		t.pause()
		t.say("so there was little left to sell, and {hero} came home with only one coin.",
			"at the market {hero} got only a few coins, not enough for the {wish}.")
		t.say("but the next day the old woman knocked at the door. she had brought {wish.a} for {hero} because "+
			"{hero.he} had been kind.",
			"but in the evening {elder} said, \"You have a good heart,\" and gave {hero} {wish.a}.")
	} else {
		t.say("at the market many people wanted the {ware}, and soon the basket was empty.",
			"all the {ware} {ware.was} sold before noon.")
		t.pause()
		t.say("{hero} counted the coins. there were enough, so {hero.he} bought {wish.a}.",
			"with the coins {hero} bought {wish.a} and some bread for {elder}.")
		t.say("{hero} sang all the way home.", "the {wish} {wish.was} just right for {hero}.")
	}
	t.say("{hero} {hero.was} "+glad+".", "that night {hero} {hero.was} "+tired+" but "+glad+".")
}
