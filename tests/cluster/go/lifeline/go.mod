module wukong.test/lifeline

go 1.24.0
