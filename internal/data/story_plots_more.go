package data

// Plots about weather, animals, food and fear.

func rainyWalk(t *teller) {
	t.protagonist()
	t.set("goal", "the lake", "the old mill", "the hill", "the river")
	t.say("{day} {hero} wanted to walk to {goal}.", "{day} {hero} went for a walk to {goal}.")
	wise := t.chance(2)
	t.say(`"take an umbrella," said {elder}. "there are dark clouds in the sky."`,
		`{elder} looked at the clouds and said, "It is going to rain. Take an umbrella."`)
	if wise {
		t.say("so {hero} took an umbrella.", "{hero} listened and took an umbrella along.")
	} else {
		t.say(`"{hero.I} don't need it," said {hero}, and left it at home.`,
			"but {hero} forgot it and left without an umbrella.")
	}
	t.pause()
	t.say("soon it began to rain.", "at {goal} it started to rain very hard.",
		"then there was thunder, and it rained and rained.")
	if wise {
		t.say("{hero} opened the umbrella and stayed dry.", "but under the umbrella {hero} {hero.was} dry and warm.")
		t.companion()
		t.say("on the way {hero} saw {friend}, who had no umbrella and was all wet.",
			"{friend} was standing under a tree and was wet and cold.")
		t.say(`"come under my umbrella," said {hero}. so they walked home together.`,
			"because the umbrella was big, there was room for {friend}, too.")
		t.pause()
		t.say(`"thank you," said {friend}. "now I am not cold any more."`,
			"at home {elder} made hot [milk|soup|tea] for everyone.")
		t.say("{hero} {hero.was} " + glad + " that {hero.he} had listened to {elder}.")
		return
	}
	t.say("{hero} got wet from head to toe and {hero.was} very cold.",
		"there was water in {hero.his} shoes and in {hero.his} hair.")
	t.say("{hero} ran home as fast as {hero.he} could.", "so {hero} turned around and ran all the way home.")
	t.pause()
	t.say("{elder} put {hero.him} by the fire and gave {hero.him} hot [milk|soup|tea], and soon {hero.he} "+
		"{hero.was} warm again.",
		"the next day {hero} had a cold and had to stay in bed.")
	t.say(`"next time {hero.I} will listen to you," said {hero}.`,
		"now {hero} never leave{hero.s} without an umbrella.")
}

func hungryAnimal(t *teller) {
	t.childHero()
	t.set("day", "one morning", "one cold day", "one evening", "on Sunday")
	t.family()
	kind := t.below(5)
	t.bound["animal"] = []string{"cat", "dog", "bird", "rabbit", "horse"}[kind]
	t.bound["food"] = []string{"some milk", "a bone", "some seeds", "a carrot", "an apple"}[kind]
	t.bound["bad"] = []string{"a carrot", "some grass", "a piece of cheese", "a fish", "a sausage"}[kind]
	t.bound["noise"] = []string{"purred", "barked", "sang", "hopped up and down", "neighed"}[kind]
	t.set("look", "small", "thin", "white", "brown", "grey")
	t.say("{day} {hero} found a {look} {animal} in front of the door.",
		"{day} a {look} {animal} came into the garden where {hero} was playing.")
	t.say("it was hungry because it had not eaten for days.", "it was thin and hungry and did not have a home.")
	t.say("{hero} gave it {bad}, but the {animal} did not like that and would not eat.",
		"first {hero} brought {bad}, but it only looked at it.")
	t.say(`"{animal}s don't eat that," said {elder}. "try {food}."`,
		"then {hero} asked {elder} what a {animal} likes to eat.")
	t.pause()
	t.say("so {hero} brought {food}. The {animal} ate it all up and {noise}.",
		"{hero} came back with {food}, and the {animal} {noise} with joy.")
	t.set("petname", "Star", "Fluff", "Button", "Pepper", "Cloud")
	t.say(`"may I keep it?" asked {hero}. "yes, if you look after it," said {elder}.`,
		`"please, can it stay?" asked {hero}, and {elder} said yes.`)
	t.say("{hero} called it {petname}.", "because it was so {look}, {hero} called it {petname}.")
	t.pause()
	t.say("every morning {hero} feeds {petname}, and {petname} waits for {hero.him} at the door.",
		"now {hero} and {petname} are friends and play together every day.",
		"{petname} slept beside {hero} that night, and both were "+glad+".")
}

func strandedAnimal(t *teller) {
	t.protagonist()
	kind := t.below(5)
	t.bound["animal"] = []string{"sheep", "duck", "fox", "bee", "turtle"}[kind]
	t.bound["trap"] = []string{"was caught in a bush", "had its foot in a net", "had fallen into a hole",
		"had fallen into the water", "lay on its back"}[kind]
	t.bound["rescue"] = []string{"pulled the branches apart", "cut the net", "let down a long branch",
		"held out a leaf", "turned it over"}[kind]
	t.bound["gift"] = []string{"some soft wool", "a white feather", "a shiny stone", "some honey",
		"a smooth shell"}[kind]
	t.say("{day} {hero} heard someone call for help [near the river|behind the hill|in the field].",
		"{day} {hero} {hero.was} on the way home when {hero.he} heard a small voice.")
	t.say("it was a {animal} that {trap}.", "there was a {animal}. it {trap} and could not get away.")
	t.say(`"please help me," said the {animal}. "I can't get out alone."`,
		"the {animal} was afraid and shook all over.")
	if t.chance(4) {
		t.say(`"{hero.I} have no time," said {hero}, and went on.`)
		t.say("but after a while {hero} felt bad, because nobody else was there to help. so {hero.he} went back.",
			"but the voice stayed in {hero.his} ears, so {hero} turned around.")
	}
	t.pause()
	t.say("{hero} {rescue}, and the {animal} was free.",
		"slowly and carefully {hero} {rescue}. then the {animal} was free.")
	t.say(`"thank you," said the {animal}. "one day I will help you, too."`,
		`"you saved me," said the {animal}. "I will never forget it." {hero} {hero.was} `+proud+` of {hero.self}.`)
	t.pause()
	t.say("the next day the {animal} came back and brought {hero} {gift}.",
		"a week later there was {gift} in front of the door. it was from the {animal}.",
		"when {hero} lost the way some days later, the {animal} came and led {hero.him} home.")
	t.say("whoever helps others will be helped.", "{hero} {hero.was} "+glad+" that {hero.he} had stopped to help.")
}

func baking(t *teller) {
	t.protagonist()
	t.set("cake", "an apple cake", "a honey cake", "a big cake", "some bread", "a plum pie")
	t.bring("missing", []thing{{"eggs", true}, {"milk", false}, {"flour", false}, {"butter", false},
		{"nuts", true}}[t.below(5)])
	t.say("{day} {hero} wanted to bake {cake} for {elder}.",
		"it was the birthday of {elder}, so {hero} wanted to bake {cake}.")
	t.say("but in the kitchen {hero} could not find any {missing}.",
		"{hero} looked in every pot, but there {missing.was} not enough {missing}.")
	t.companion()
	t.say(`so {hero} went to {friend} and asked, "Do you have some {missing}?"`,
		`{hero} knocked at the door of {friend}. "{hero.I} need {missing} for {cake}," said {hero}.`)
	t.say(`"yes, but let me help you bake," said {friend}.`, `"here you are," said {friend}. "can I have a piece?"`)
	t.pause()
	t.say("together they mixed everything in a big bowl and put it into the oven.",
		"they stirred and stirred, and then the oven was hot.")
	if t.chance(3) {
		t.say("but then they went out to play and forgot the oven. when they came back, there was smoke, and " +
			"everything was black.")
		t.say("{hero} {hero.was} "+sad+`. "let us try again," said {friend}.`,
			`"we must not go away next time," said {hero}, and they began again.`)
		t.say("this time they stayed in the kitchen and watched, and nothing burned.")
	} else {
		t.say("they waited in the kitchen, and soon it smelled very good.", "they did not go away, so nothing burned.")
	}
	t.pause()
	t.say(`when {elder} came home, {elder.he} {elder.was} `+glad+
		`. "this is the best I have ever eaten," said {elder}.`, "{elder} ate three pieces and laughed.")
	t.say("{hero} gave {friend} the biggest piece because {friend.he} had helped.",
		"and because there was so much, they gave some to the neighbors, too.")
}

func nightNoise(t *teller) {
	t.single()
	t.set("noise", "a knock", "a strange noise", "a scratching sound", "a long howl")
	kind := t.below(4)
	t.bound["cause"] = []string{"a branch that moved in the wind", "the cat, who wanted to come in",
		"an owl on the roof", "a mouse with a nut"}[kind]
	t.bound["deed"] = []string{"tied the branch to the wall", "let the cat in", "said good night to the owl",
		"gave the mouse some cheese"}[kind]
	t.say("one night {hero} could not sleep because there was {noise} [at the window|under the bed|on the roof].",
		"one night it was dark and windy. {hero} heard {noise} and woke up.")
	t.say(`"is it a monster?" thought {hero}, and pulled the blanket over {hero.his} head.`,
		"{hero} {hero.was} afraid and held {hero.his} pillow tight.")
	t.say("there it was again!", "{hero} listened. {noise} again!")
	t.pause()
	if t.chance(2) {
		t.say(`{hero} called {elder}. "let us look together," said {elder}, and lit a lamp.`,
			"{elder} came with a lamp and took {hero.him} by the hand.")
	} else {
		t.say("but {hero} wanted to be brave. {hero.he} took a lamp and went to look.",
			`"I am not afraid," said {hero}, and lit a lamp with a shaking hand.`)
	}
	t.say("in the light it was easy to see: it was only {cause}.", "and what was there? it was {cause}!")
	t.pause()
	t.say("{hero} laughed and {deed}.", "{hero} {deed} and went back to bed.")
	t.say("after that {hero.he} {hero.was} not afraid of the dark any more.",
		"then the house was quiet, and {hero} slept until morning.", "in the light most monsters are very small.")
}

func race(t *teller) {
	t.single()
	t.companion()
	t.say("{hero} and {friend} wanted to know who was faster.",
		"there was going to be a race in the village, and {hero} and {friend} wanted to win.")
	t.set("goal", "the old tree", "the bridge", "the mill")
	if t.chance(2) {
		t.say("{hero} practiced every day, but {friend} only slept in the sun.",
			`"I am so fast, I don't need to practice," said {friend}. but {hero} ran every morning.`)
		t.say("on the day of the race they ran to {goal}.", "then the day came, and they ran side by side to {goal}.")
		t.pause()
		t.say("first {friend} was ahead, but soon {friend.he} {friend.was} "+tired+
			", and {hero} ran past {friend.him}.", "because {hero} had practiced so much, {hero.he} did not get tired.")
		t.say(`{hero} won, and {elder} {elder.was} `+proud+`.`,
			"{hero} came first to {goal} and won a [golden cup|big cake|silver coin].")
		t.say(`"next time I will practice, too," said {friend}.`,
			`{friend} shook {hero.his} hand and said, "Well done!"`)
		return
	}
	t.say("they ran to {goal} as fast as they could.", `"one, two, three!" said {elder}, and off they went to {goal}.`)
	t.say("{hero} {hero.was} ahead when {friend} fell over a stone and cried out.")
	t.pause()
	t.say("{hero} stopped and ran back because {friend.he} {friend.was} hurt.",
		`{hero} wanted to win, but a friend is more than a prize. so {hero.he} turned back.`)
	t.say("{hero} helped {friend.him} up, and they walked to {goal} hand in hand.",
		`"lean on me," said {hero}, and together they came to {goal}.`)
	t.pause()
	t.say("so they both came last, and everybody clapped.", `"you are the real winner," said {elder}.`,
		"{friend} shared {friend.his} apple with {hero}, and it was a good day.")
}

func garden(t *teller) {
	t.single()
	t.bring("plant", []thing{{"sunflower", false}, {"rose", false}, {"apple tree", false}, {"beans", true},
		{"pumpkins", true}, {"tulips", true}}[t.below(6)])
	t.say("in spring {elder} gave {hero} some seeds. {hero} put them into the ground.",
		"{hero} wanted to have a garden, so {hero.he} dug a hole and planted seeds.")
	t.say(`"{plant.a} need{plant.s} water and sun," said {elder}.`,
		`"you must give them water every day," said {elder}.`)
	if t.chance(2) {
		t.say("{hero} gave them water every morning.", "every day {hero} carried a can of water to the garden.")
		t.pause()
		t.say("because there was enough water and sun, {plant.a} grew.",
			"after some weeks {plant.a} came up, green and strong.")
	} else {
		t.say("but {hero} forgot it, because {hero.he} played all day.",
			"for a week {hero} went swimming and did not think of the garden.")
		t.pause()
		t.say("the sun was hot and the ground was dry. the leaves hung down and turned yellow.",
			"when {hero} came back, the leaves were dry and brown.")
		t.say(`{hero} {hero.was} `+sad+`. quickly {hero.he} brought water, and the next day too.`,
			`"it is not too late," said {elder}, so {hero} ran to get water.`)
		t.say("slowly the leaves turned green again, and {plant.a} grew.")
	}
	t.say("the {plant} {plant.was} [taller than {hero}|the finest in the village|big and beautiful].",
		"the bees came to visit, for the {plant} {plant.was} in bloom.")
	t.pause()
	t.say("in autumn there were new seeds, and {hero} kept them for the next year.", "{hero} {hero.was} "+proud+
		" of the {plant}.", "{hero} showed the {plant} to everyone who came by.")
}

func lostInFog(t *teller) {
	t.protagonist()
	t.set("errand", "to pick berries", "to gather wood", "to look for mushrooms", "to visit a friend")
	t.say("{day} {hero} went into the wood {errand}.", "{day} {elder} sent {hero} into the wood {errand}.")
	t.say(`"stay on the path," said {elder}.`, `"come home before dark," said {elder}.`)
	t.say("but {hero} saw a [blue butterfly|red squirrel|shiny stone] and left the path.",
		"but fog came up, and {hero} could not see the path.")
	t.say("soon all the trees looked the same, and {hero} {hero.was} lost.",
		"when {hero} looked around, {hero.he} did not know where {hero.he} {hero.was}.")
	t.pause()
	switch t.below(3) {
	case 0:
		t.say("{hero} sat down on a stone and listened. far away there was the sound of a bell.")
		t.say("{hero} followed the sound, and it became louder and louder.",
			`"that is the bell of our village," thought {hero}, and walked toward it.`)
	case 1:
		t.say(`an owl sat in a tree. "why do you cry?" it asked. "{hero.I} {hero.am} lost," said {hero}.`)
		t.say("the owl flew from tree to tree, and {hero} followed it.",
			`"go along the river," said the owl. "it flows past your house."`)
	default:
		t.say("then {hero} remembered what {elder} had said: the sun goes down behind the village.",
			"{hero} looked at the sky. the evening star stood over the village.")
		t.say("so {hero} walked and walked that way.")
	}
	t.say("at last {hero} saw the light of the house.", "behind the last trees there was the village.")
	t.pause()
	t.say("{elder} {elder.was} "+glad+" to see {hero.him} and held {hero.him} tight.",
		"{elder} had been very worried and hugged {hero.him} for a long time.")
	t.say("{hero} never left the path again.", `"next time {hero.I} will stay on the path," said {hero}.`)
}

func tooManySweets(t *teller) {
	t.single()
	t.bring("sweet", []thing{{"berries", true}, {"plums", true}, {"cookies", true}, {"cake", false},
		{"chocolate", false}}[t.below(5)])
	t.say("{hero} loved to eat {sweet}.", "there was nothing that {hero} liked more than {sweet}.")
	t.say("{day} there {sweet.was} a lot of {sweet} [in the kitchen|on the table].",
		"{day} {elder} put {sweet} on the table for the guests.")
	t.say(`"do not eat too much," said {elder}.`, `"the {sweet} {sweet.is} for everyone," said {elder}.`)
	if t.chance(3) {
		t.say("{hero} ate only a little and kept the rest for the others.",
			"{hero} wanted more, but {hero.he} waited for the guests.")
		t.pause()
		t.say("when the others came, there was enough for all.", "so everybody got some, and nobody was ill.")
		t.say("{elder} {elder.was} "+proud+" of {hero}.",
			"and because {hero} had waited, {elder} gave {hero.him} the last piece.")
		return
	}
	t.say("but {hero} ate and ate until nothing was left.", "but when nobody looked, {hero} ate everything.")
	t.pause()
	t.say("soon {hero.his} tummy began to hurt.", "then {hero} felt ill and had to lie down.")
	t.say(`"what is the matter?" asked {elder}. "I ate all the {sweet}," said {hero} in a small voice.`,
		`"my tummy hurts," cried {hero}.`)
	t.say("{elder} made some tea and sat by the bed.", "{hero} had to drink bitter tea and stay in bed all day.")
	t.pause()
	t.say("the next morning {hero} {hero.was} well again.", "at night the pain went away.")
	t.say("since that day {hero} eats only a little and shares the rest.",
		`"I will never eat so much again," said {hero}.`)
}

func coldNight(t *teller) {
	t.single()
	t.say("it was winter, and there was a lot of snow.", "one winter it snowed for three days.")
	t.companion()
	t.say("{friend} had no wood for the fire, so {friend.his} house was cold.",
		"in the house of {friend} the window was broken, so it was very cold.")
	t.say("{hero} saw that there was no smoke over the roof of {friend}.",
		"{hero} looked out and saw no light in the house of {friend}.")
	t.say(`"{friend} must be cold," said {hero}. "we have to help."`,
		`"may {friend} stay with us?" asked {hero}. "of course," said {elder}.`)
	t.pause()
	t.say("so {hero} put on a warm coat and walked through the deep snow.",
		"{hero} and {elder} took a lamp and went out into the snow.")
	t.say(`"come with us," said {hero}. "we have a fire and hot soup."`,
		"{hero} knocked at the door, and {friend} opened it with cold hands.")
	t.say("by the fire {friend} became warm again, and they told stories until midnight.",
		"they ate hot soup, and soon {friend} {friend.was} warm.")
	t.pause()
	t.say("in spring {friend} brought {hero} [a basket of eggs|the first flowers|a new hat] to say thank you.",
		"when the snow was gone, they mended the house together.")
	t.say("a good friend is like a fire in winter.", "and {hero} {hero.was} "+glad+", because it feels good to help.")
}
